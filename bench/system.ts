import { processNames } from '#local/stack/ports.ts'
import { paidList } from '#tables/orders.ts'
import { signedAmount } from '#tables/payments.ts'
import { startStack } from '#testing/stack.ts'
import type { Bench } from './measurement.ts'
import { PaymentsFixture } from './payments-fixture.ts'
import { cpuMs, residentMegabytes } from './resources.ts'
import { execute } from './servers.ts'

export type System = Awaited<ReturnType<typeof startSystem>>

/**
 * The stack as `npm start` runs it, on the servers of the benchmark, with empty tables and so many
 * accounts that have money enough. `without` names processes that are not started.
 */
export async function startSystem(
  { servers, profile }: Bench,
  {
    accounts = 1_000,
    without = [],
    env = {},
  }: { accounts?: number; without?: string[]; env?: NodeJS.ProcessEnv } = {},
) {
  await execute(servers.ordersUrl, 'TRUNCATE orders, outbox, inbox, attempts, idempotency_keys')
  await execute(servers.ordersUrl, 'VACUUM (ANALYZE) orders, outbox, inbox')
  await using payments = new PaymentsFixture(servers.paymentsUrl)
  await payments.open(accounts)
  const stack = await startStack({
    args: without.flatMap((name) => ['--scale', `${name}=0`]),
    env: {
      AMQP_URL: servers.brokerUrl,
      ORDERS_DATABASE_URL: servers.ordersUrl,
      PAYMENTS_DATABASE_URL: servers.paymentsUrl,
      ...env,
      ...(profile && { NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${profile}` }),
    },
  })
  const processes = processNames.filter((name) => !without.includes(name))
  const pids = (): Record<string, number> => ({
    ...Object.fromEntries([...processes, 'nginx'].map((name) => [name, stack.pidOf(name)])),
    ...servers.pids(),
  })
  return {
    gateway: stack.gateway,
    pidOf: stack.pidOf,
    /** CPU milliseconds used until now, by program. */
    cpuMs: () => mapValues(pids(), cpuMs),
    /** Of each of the program's own processes. */
    megabytes: () =>
      mapValues(
        Object.fromEntries(processes.map((name) => [name, stack.pidOf(name)])),
        residentMegabytes,
      ),
    [Symbol.asyncDispose]: async () => void (await stack.stop()),
  }
}

const mapValues = <T>(record: Record<string, number>, map: (value: number) => T) =>
  Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value)]))

/**
 * Throws unless all orders are paid and told, once each, all events published, and the money adds
 * up.
 */
export async function auditSystem({ servers }: Bench, orders: number): Promise<void> {
  const { ordersUrl, paymentsUrl } = servers
  await auditOrders(ordersUrl, orders)
  const [found] = await execute<{ unpublished: number }>(
    ordersUrl,
    'SELECT count(*)::int AS unpublished FROM outbox WHERE published_at IS NULL',
  )
  if (found?.unpublished !== 0) throw new Error(`events of Orders: ${JSON.stringify(found)}`)
  await auditMoney(paymentsUrl, orders)
}

/** Throws unless there are so many orders, all of them paid. */
export async function auditOrders(ordersUrl: string, orders: number): Promise<void> {
  const [found] = await execute<{ paid: number; all: number }>(
    ordersUrl,
    `SELECT count(*) FILTER (WHERE status IN (${paidList}))::int AS paid, count(*)::int AS all
     FROM orders`,
  )
  if (found?.paid === orders && found.all === orders) return
  throw new Error(`of ${orders} orders: ${JSON.stringify(found)}`)
}

/** Throws unless so many orders are charged, once each, and balances are what the ledger says. */
export async function auditMoney(paymentsUrl: string, orders: number): Promise<void> {
  const [wrong] = await execute<{ charged: number; orders: number; balances: number }>(
    paymentsUrl,
    `WITH entries AS (
       SELECT user_id, sum(${signedAmount}) AS balance
       FROM ledger WHERE status = 'SUCCESS' GROUP BY user_id)
     SELECT (SELECT count(*) FROM ledger WHERE type = 'DEBIT')::int AS charged,
            (SELECT count(DISTINCT order_id) FROM ledger WHERE type = 'DEBIT')::int AS orders,
            (SELECT count(*) FROM accounts JOIN entries USING (user_id)
             WHERE accounts.balance <> entries.balance)::int AS balances`,
  )
  if (wrong?.charged === orders && wrong.orders === orders && wrong.balances === 0) return
  throw new Error(`of ${orders} orders: ${JSON.stringify(wrong)}; "balances" counts wrong ones`)
}
