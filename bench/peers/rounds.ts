import type { Load, Loaded } from '../load-orders.ts'
import { execute } from '../servers.ts'
import type { Contender } from './contenders.ts'

/** What one round of one system gives. */
export interface Round {
  perSecond: number
  /** CPU milliseconds an order, of all programs of the system and PostgreSQL. */
  cpuMs: number
  /** Of single orders, 20 a second: milliseconds from the POST to a row that is PAID. */
  singleMs: number[]
}

export interface Loading {
  contender: Contender
  load: { ask: (load: Load) => Promise<Loaded> }
  seconds: number
}

const levels = [50, 200, 1_000]

/** Of these numbers of orders under way the one with the highest rate; warms up meanwhile. */
export async function bestInFlight(loading: Loading): Promise<number> {
  const all: Loaded[] = []
  for (const inFlight of levels) {
    all.push(await place(loading, { seconds: loading.seconds / 4, inFlight }))
  }
  await loading.contender.audit(countOf(all))
  const rates = all.map(perSecond)
  return levels[rates.indexOf(Math.max(...rates))] as number
}

/** Warms up, and then measures full load and single orders. Throws unless each is paid once. */
export async function measureRound(loading: Loading, inFlight: number): Promise<Round> {
  const { contender, seconds } = loading
  const warm = await place(loading, { seconds: seconds / 4, inFlight })
  await tidy(contender)
  const before = sumOf(contender.cpuMs())
  const full = await place(loading, { inFlight })
  const used = sumOf(contender.cpuMs()) - before - full.watchCpuMs
  const rows = { ordersUrl: contender.ordersUrl, everyMs: 2 }
  const single = await place(loading, { perSecond: 20, rows })
  await contender.audit(countOf([warm, full, single]))
  return {
    perSecond: perSecond(full),
    cpuMs: used / full.orders.length,
    singleMs: single.orders.map(({ sentAt, finalAt }) => finalAt - sentAt),
  }
}

const place = ({ contender, load, seconds }: Loading, more: Partial<Load>): Promise<Loaded> => {
  const { gateway, ordersUrl } = contender
  const rows = { ordersUrl, everyMs: 25 }
  return load.ask({
    ...{ gateway, seconds, rows, users: 1_000, connections: 64, inFlight: 1_000 },
    ...more,
  })
}

const perSecond = ({ finalInTime, ms }: Loaded): number => finalInTime / (ms / 1_000)

const countOf = (all: Loaded[]): number => all.reduce((sum, { orders }) => sum + orders.length, 0)

const sumOf = (parts: Record<string, number>): number =>
  Object.values(parts).reduce((sum, part) => sum + part, 0)

/** As autovacuum and the checkpointer do in their time, so that it does not fall into a round. */
async function tidy({ ordersUrl, paymentsUrl }: Contender): Promise<void> {
  for (const url of [ordersUrl, paymentsUrl]) await execute(url, 'VACUUM (ANALYZE)')
  await execute(ordersUrl, 'CHECKPOINT')
}
