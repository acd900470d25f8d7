import { randomUUID, randomUUIDv7 } from 'node:crypto'
import amqp from 'amqplib'
import { createEvent } from '#contracts/events.ts'
import { routes } from '#contracts/topology.ts'
import { pause } from '#local/supervisor/waiting.ts'
import { type Cell, type CellRun, finalWithin, underLoad, untilFinal } from '../cell.ts'
import { crashInLoop } from '../crash-loop.ts'
import { crashLoopFaults, maxLateMs, sayCrashLoop } from '../crash-loop-faults.ts'
import type { Field } from '../field.ts'
import { type Bad, neighbours, wakeToBatch } from '../frozen-batch.ts'
import { type Random, randomOf } from '../random.ts'
import { distributionOf, type Recovery } from '../recovery.ts'
import { forgetAll, publishedLately, someFinalOrder } from '../rows.ts'
import type { Scene } from '../run.ts'

/** X13 and X15: what at-least-once may bring, and what should never come at all. */
export const messageCells: Cell[] = [
  {
    name: 'x13',
    title:
      'events sent again 1 to 50 times, in any order; then once more when the inbox has forgotten them',
    count: 100,
    run: underLoad(async (field, { seed, count, progress }) => {
      await pause(Math.max(3_000, count * 50)) // so that there are orders enough
      const random = randomOf(seed, 'x13')
      const copies = await resend(field, count, () => random.between(1, 50), random)
      progress(`${copies} copies sent`)
      if (!(await finalWithin(field, 60_000, 'events sent again')))
        return ['orders are pending after a minute']
      const { orders, payments } = field.system.databases
      const forgotten = (await forgetAll(orders)) + (await forgetAll(payments))
      progress(`${forgotten} events forgotten`)
      field.journal.act('events forgotten', 'both inboxes', forgotten)
      await resend(field, count, () => 1, random)
      return []
    }),
  },
  {
    name: 'x15',
    title:
      'bad and crashing messages at the begin, in the middle and at the end of a batch; neighbours not late',
    count: 1,
    hasCrashingRequests: true,
    run: async (system, run) => {
      const lateMs: number[] = []
      const outcome = await underLoad(async (...acting) => [
        ...(await badMessages(...acting)),
        ...(await crashLoops(lateMs, ...acting)),
      ])(system, run)
      return { ...outcome, recoveries: [...outcome.recoveries, neighboursOfCrashLoops(lateMs)] }
    },
  },
]

/** As often each as `times` says, all shuffled. Returns how many that were. */
async function resend(field: Field, count: number, times: () => number, random: Random) {
  const { system, journal } = field
  const { orders, payments } = system.databases
  const events = [
    ...(await publishedLately(orders, count)),
    ...(await publishedLately(payments, count)),
  ]
  const copies = events.flatMap((event) => Array.from({ length: times() }, () => event))
  journal.act('events sent again', 'both exchanges', copies.length)
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

/** Before, among and after its neighbours. */
const positions = [0, neighbours / 2, neighbours]

/** Messages that are dead-lettered at once: each kind at each position. */
async function badMessages(field: Field, { count, progress }: CellRun, scene: Scene) {
  const warmUps: number[] = []
  for (let n = 0; n < 4; n++) warmUps.push(await batchWith(field, scene, undefined))
  const usualMs = Math.max(...warmUps.slice(1))
  const faults: string[] = []
  for (let round = 0; round < count; round++) {
    for (const [kind, content] of Object.entries(await badContents(field))) {
      for (const at of positions) {
        const bad = { at, kind: `bad message: ${kind}`, content, messageId: randomUUID() }
        const lateMs = (await batchWith(field, scene, bad)) - usualMs
        const what = 'neighbours of a bad message, later than usual'
        field.journal.measure({ what, value: lateMs, limit: maxLateMs, unit: 'ms' })
        progress(`${kind} before neighbour ${at}: ${lateMs.toFixed(0)} ms later than usual`)
        if (lateMs > maxLateMs) faults.push(`neighbours of ${kind} at ${at} are ${lateMs} ms late`)
      }
    }
  }
  return faults
}

/**
 * Messages that kill the process which handles them, at each position; gathers how late neighbours
 * are.
 */
async function crashLoops(
  lateMs: number[],
  field: Field,
  { count, progress }: CellRun,
  scene: Scene,
): Promise<string[]> {
  const faults: string[] = []
  for (let round = 0; round < count; round++) {
    for (const at of positions) {
      const crashLoop = await crashInLoop(field, scene, at)
      progress(`a crash loop before neighbour ${at}: ${sayCrashLoop(crashLoop)}`)
      lateMs.push(...crashLoop.lateMs)
      faults.push(...crashLoopFaults(crashLoop).map((fault) => `crash loop at ${at}: ${fault}`))
    }
  }
  return faults
}

const neighboursOfCrashLoops = (lateMs: readonly number[]): Recovery => ({
  what: 'neighbours of a message that crashes its consumer (the target is for all)',
  times: distributionOf(lateMs),
  targetMs: maxLateMs,
})

/** How long a batch takes from when the consumer wakes up until all of it is final. */
async function batchWith(field: Field, scene: Scene, bad: Bad | undefined): Promise<number> {
  const wokenAtMs = await wakeToBatch(field, scene, bad)
  await untilFinal(field.system, wokenAtMs, 20_000)
  return Date.now() - wokenAtMs
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
