import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { until } from '#local/supervisor/waiting.ts'
import { type Cell, finalWithin, load, underLoad } from '../cell.ts'
import type { Field } from '../field.ts'
import { inject } from '../inject.ts'
import { payingUsers } from '../load.ts'
import { randomOf } from '../random.ts'
import { endsSince, newestOrders } from '../rows.ts'
import { aways, type Fault } from '../schedule.ts'

/** Users, each of whom orders every second or two. */
const followed = 5
/** To notice, to connect again, to read what was missed. */
const receivedWithinMs = 10_000
const finalWithinMs = 30_000

const drawUsers = (seed: number, cell: string) => {
  const random = randomOf(seed, cell)
  return () => random.sample(payingUsers(load.users), followed)
}

/**
 * Whoever is connected is told: when nothing can be heard, and when the subscription could not be
 * read.
 */
export const subscriptionCells: Cell[] = [
  {
    name: 'silent-notify',
    title: 'notifications lost for 20 s, and nothing else, of either database',
    count: 3,
    run: underLoad(async (field, { seed, count, progress }) => {
      const users = drawUsers(seed, 'silent-notify')
      const faults: string[] = []
      for (let round = 1; round <= count; round++) {
        for (const link of ['orders database', 'payments database'] as const) {
          progress(`no notifications from the ${link}, ${round} of ${count}`)
          const fault = { kind: 'silent notify', link, userIds: users(), forMs: 20_000 } as const
          faults.push(...(await pushedWhileSilent(field, fault)))
        }
      }
      return faults
    }),
  },
  {
    name: 'away-at-subscription',
    title: 'the database of Orders killed, cut off, or silent while somebody subscribes',
    count: 3,
    run: underLoad(async (field, { seed, count, progress }) => {
      const users = drawUsers(seed, 'away-at-subscription')
      const faults: string[] = []
      for (let round = 1; round <= count; round++) {
        for (const away of aways) {
          progress(`${away}, ${round} of ${count}`)
          faults.push(...(await servedAfter(field, { away, userIds: users(), forMs: 4_000 })))
        }
      }
      return faults
    }),
  },
]

type Of<Kind> = Extract<Fault, { kind: Kind }>

async function pushedWhileSilent(field: Field, fault: Of<'silent notify'>): Promise<string[]> {
  const { system, journal, subscribers } = field
  const fromMs = Date.now()
  await inject(fault, field)
  const times = await subscribers.tellingTimes(fromMs)
  const value = Math.max(0, ...times)
  const what = `an end told while no notification comes from the ${fault.link}`
  journal.measure({ what, value, limit: receivedWithinMs, unit: 'ms' })
  const isOver = await finalWithin(field, finalWithinMs, fault.kind)
  return [
    ...(times.length > 0 ? [] : ['nobody was connected, or nothing ended']),
    ...(value <= receivedWithinMs ? [] : [`${fault.link}: an end was not told for ${value} ms`]),
    ...(isOver ? [] : [`orders are pending ${finalWithinMs} ms after ${fault.kind}`]),
    ...listeners[fault.link].flatMap((name) =>
      says(system.logsDir, name, fromMs) ? [] : [`${name} did not say that it hears nothing`],
    ),
  ]
}

const listeners = {
  'orders database': ['orders-api', 'orders-api.2', 'orders-relay', 'orders-relay.2'],
  'payments database': ['payments-relay', 'payments-relay.2'],
}

/** Whether a process has logged since then, as a warning or worse, that its LISTEN is no good. */
function says(logsDir: string, name: string, fromMs: number): boolean {
  const lines = readFileSync(join(logsDir, `${name}.log`), 'utf8').split('\n')
  return lines.some((line) => {
    if (!/"level":"(warn|error)"/.test(line) || !/"msg":"[^"]*(LISTEN|notification)/.test(line)) {
      return false
    }
    return Date.parse(JSON.parse(line).time) >= fromMs
  })
}

async function servedAfter(
  field: Field,
  fault: Omit<Of<'database away at subscription'>, 'kind'>,
): Promise<string[]> {
  const { system, journal, subscribers } = field
  const { orders } = system.databases
  const kind = 'database away at subscription'
  const areOrders = async () => (await newestOrders(orders, followed)).length === followed
  await until(areOrders, { timeoutMs: 10_000 })
  await inject({ kind, ...fault }, field)
  const backMs = Date.now()
  const isOver = await finalWithin(field, finalWithinMs, `${kind}: ${fault.away}`)
  const haveNews = async () => {
    const users = new Set((await endsSince(orders, backMs)).map(({ userId }) => userId))
    return fault.userIds.every((userId) => users.has(userId))
  }
  const isNews = await until(haveNews, { timeoutMs: 60_000, everyMs: 100 })
  let unreceived: string[] = []
  await journal.within(
    receivedWithinMs,
    `subscribers told after: ${fault.away}`,
    async (timeoutMs) => {
      unreceived = await subscribers.unreceived(timeoutMs)
      return unreceived.length === 0
    },
  )
  return [
    ...(isOver ? [] : [`orders are pending ${finalWithinMs} ms after: ${fault.away}`]),
    ...(isNews ? [] : ['nothing ended of those who are followed']),
    ...journal.missed.map(({ why }) => `${kind} missed: ${why}`),
    ...unreceived.map((each) => `${fault.away}: ${each}`),
  ]
}
