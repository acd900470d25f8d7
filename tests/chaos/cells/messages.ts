import { randomUUID, randomUUIDv7 } from 'node:crypto'
import amqp from 'amqplib'
import { createEvent } from '#contracts/events.ts'
import { routes } from '#contracts/topology.ts'
import { pause } from '#local/waiting.ts'
import { type Cell, underLoad, untilFinal } from '../cell.ts'
import { type Field, sendSignal } from '../field.ts'
import { type Random, randomOf } from '../random.ts'
import { forgetAll, publishedLately, someFinalOrder } from '../rows.ts'
import type { Scene } from '../run.ts'
import type { System } from '../system.ts'

/** X13 and X15: what at-least-once may bring, and what should never come at all. */
export const messageCells: Cell[] = [
  {
    name: 'x13',
    title:
      'events sent again 1 to 50 times, in any order; then once more when the inbox has forgotten them',
    count: 100,
    run: underLoad(async ({ system }, { seed, count, progress }) => {
      await pause(Math.max(3_000, count * 50)) // so that there are orders enough
      const random = randomOf(seed, 'x13')
      const copies = await resend(system, count, () => random.between(1, 50), random)
      progress(`${copies} copies sent`)
      if (!(await untilFinal(system, Date.now(), 60_000)))
        return ['orders are pending after a minute']
      const { orders, payments } = system.databases
      progress(`${(await forgetAll(orders)) + (await forgetAll(payments))} events forgotten`)
      await resend(system, count, () => 1, random)
      return []
    }),
  },
  {
    name: 'x15',
    title:
      'bad messages at the begin, in the middle and at the end of a batch; neighbours not late',
    count: 1,
    replicas: 1,
    run: underLoad(async (field, { count, progress }, scene) => {
      const warmUps: number[] = []
      for (let n = 0; n < 4; n++) warmUps.push(await batchWith(field, scene, undefined))
      const usualMs = Math.max(...warmUps.slice(1))
      const faults: string[] = []
      for (let round = 0; round < count; round++) {
        for (const [kind, content] of Object.entries(await badContents(field))) {
          for (const at of [0, 10, 20]) {
            const lateMs = (await batchWith(field, scene, { at, content })) - usualMs
            progress(`${kind} before neighbour ${at}: ${lateMs.toFixed(0)} ms later than usual`)
            if (lateMs > 2_000) faults.push(`neighbours of ${kind} at ${at} are ${lateMs} ms late`)
          }
        }
      }
      return faults
    }),
  },
]

/** As often each as `times` says, all shuffled. Returns how many that were. */
async function resend(system: System, count: number, times: () => number, random: Random) {
  const { orders, payments } = system.databases
  const events = [
    ...(await publishedLately(orders, count)),
    ...(await publishedLately(payments, count)),
  ]
  const copies = events.flatMap((event) => Array.from({ length: times() }, () => event))
  const connection = await amqp.connect(system.broker.url)
  const channel = await connection.createConfirmChannel()
  for (const { event_id, event_type, payload } of random.sample(copies, copies.length)) {
    const { exchange, routingKey } = routes[event_type as keyof typeof routes]
    const options = { messageId: event_id, type: event_type, persistent: true }
    channel.publish(exchange, routingKey, Buffer.from(payload), options)
  }
  await channel.waitForConfirms()
  await connection.close()
  return copies.length
}

const neighbours = 20

/** How long a batch takes from when the consumer wakes up until all of it is final. */
async function batchWith(
  { system }: Field,
  { clients, history }: Scene,
  bad: { at: number; content: string } | undefined,
): Promise<number> {
  const consumer = system.pidOf('payments-consumer')
  const place = (count: number) =>
    Promise.all(Array.from({ length: count }, () => clients.placeOrder('user-5', 1n)))
  sendSignal(consumer, 'SIGSTOP') // not for long, or the broker misses its heartbeats
  await place(bad?.at ?? 0)
  if (bad) {
    await pause(200) // those before it are relayed by now
    const messageId = randomUUID()
    await system.broker.publish({ ...routes.PaymentRequested, messageId, content: bad.content })
    history.provoke({ queue: 'payments-consumer', messageId })
  }
  await place(neighbours - (bad?.at ?? 0))
  await pause(200)
  const atMs = Date.now()
  sendSignal(consumer, 'SIGCONT')
  await untilFinal(system, atMs, 20_000)
  const tookMs = Date.now() - atMs
  return tookMs
}

async function badContents({ system }: Field): Promise<Record<string, string>> {
  const order = await someFinalOrder(system.databases.orders)
  if (!order) throw new Error('there is no final order to contradict')
  const { order_id, user_id } = order
  const stamp = { id: randomUUIDv7(), time: new Date() }
  const data = { order_id, user_id, amount: '99999.00' }
  const event = createEvent({ type: 'PaymentRequested', data }, stamp)
  return {
    'no JSON': '{',
    '1 MB': JSON.stringify({ ...event, padding: 'x'.repeat(1_000_000) }),
    'an unknown version': JSON.stringify({ ...event, dataschema: 'x/payment-requested.v2.json' }),
    'another amount': JSON.stringify(event),
  }
}
