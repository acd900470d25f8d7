import { setTimeout as sleep } from 'node:timers/promises'
import amqp from 'amqplib'
import { queues, routes } from '#contracts/topology.ts'
import { ConfirmTracker } from '#messaging/broker/confirm-tracker.ts'
import type { OutgoingMessage } from '#messaging/broker/outgoing-message.ts'
import { declareTopology } from '#messaging/broker/topology.ts'
import { relayDefaults } from '#messaging/defaults.ts'
import { eventIdsOf } from '#testing/event-ids.ts'

export const { queue } = queues.paymentsConsumer
export const route = routes.PaymentRequested

const fillDeadlineMs = 60_000

/** The harness's own way to the queue of payments-consumer, as the program declares it. */
export async function openQueue(url: string) {
  await declareTopology({
    name: 'bench topology',
    url,
    topology: { queues: [queues.paymentsConsumer] },
  })
  const connection = await amqp.connect(url, { clientProperties: { connection_name: 'bench' } })
  connection.on('error', () => {}) // the broker was stopped first
  const channel = await connection.createConfirmChannel()
  const tracker = new ConfirmTracker(channel, relayDefaults.eventsPerMessage)

  const count = async () => (await channel.checkQueue(queue)).messageCount
  return {
    /** As a relay publishes a backlog. Resolves when the broker has confirmed them all. */
    fill: async (messages: OutgoingMessage[]): Promise<void> => {
      const { confirmed, failed } = await tracker.publishAll(messages, fillDeadlineMs)
      const missing = messages.length - confirmed.length
      if (missing > 0) throw new Error(`${missing} messages not queued: ${failed[0]?.error}`)
    },
    /**
     * Takes what is there, `expected` events, and returns their ids. Throws if it is not so many.
     */
    takeAll: (expected: number) => takeAll(channel, expected),
    expectEmpty: async (): Promise<void> => {
      if ((await count()) > 0) throw new Error(`${await count()} messages are left in ${queue}`)
    },
    [Symbol.asyncDispose]: () => connection.close(),
  }
}

async function takeAll(channel: amqp.Channel, expected: number): Promise<Set<string>> {
  const ids: string[] = []
  const { consumerTag } = await channel.consume(
    queue,
    (message) => message && ids.push(...eventIdsOf(message)),
    { noAck: true },
  )
  for (let waits = 0; ids.length < expected && waits < 500; waits++) await sleep(20)
  await sleep(50) // for one too many, if there is one
  await channel.cancel(consumerTag)
  const distinct = new Set(ids)
  if (ids.length !== expected || distinct.size !== expected) {
    const found = `${ids.length} messages, ${distinct.size} of them distinct`
    throw new Error(`${queue} held ${found}, not ${expected}`)
  }
  return distinct
}
