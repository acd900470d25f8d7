import { randomUUIDv7 } from 'node:crypto'
import amqp, { type ConfirmChannel } from 'amqplib'
import { answerRounds } from './processes.ts'
import { route } from './queue.ts'
import type { Publishing } from './relay.ts'

/** Messages published and not yet confirmed. */
const windowSize = 1_000

/**
 * The limit of any relay: messages that are ready in memory, published with the properties of ours.
 */
answerRounds(async ({ brokerUrl, count, bytes }: Publishing) => {
  const connection = await amqp.connect(brokerUrl)
  const channel = await connection.createConfirmChannel()
  const content = Buffer.alloc(bytes, 'x')
  const ids = Array.from({ length: count }, () => randomUUIDv7())

  const startedAt = performance.now()
  await publishAll(channel, ids, content)
  const ms = performance.now() - startedAt
  await connection.close()
  return { ms }
})

function publishAll(channel: ConfirmChannel, ids: string[], content: Buffer): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  let sent = 0
  let confirmed = 0
  const options = {
    type: 'PaymentRequested',
    contentType: 'application/cloudevents+json',
    headers: { 'relayed-at': new Date().toISOString() },
    timestamp: Math.floor(Date.now() / 1_000),
    persistent: true,
    mandatory: true,
  }
  const pump = () => {
    for (; sent < ids.length && sent - confirmed < windowSize; sent++) {
      const messageId = ids[sent] as string
      channel.publish(route.exchange, route.routingKey, content, { ...options, messageId }, settle)
    }
  }
  const settle = (error: Error | null) => {
    if (error) return reject(error)
    confirmed++
    if (confirmed === ids.length) resolve()
    else pump()
  }
  pump()
  return promise
}
