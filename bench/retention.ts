import { accounts, chargeCount, chargeRate } from './charge.ts'
import { growOrders, growPayments } from './grow.ts'
import { alternate, type Bench, type Figure, type Measurement, median } from './measurement.ts'
import { Outbox } from './outbox.ts'
import { PaymentsFixture } from './payments-fixture.ts'
import { startProcess } from './processes.ts'
import { openQueue } from './queue.ts'
import { drainRate, relayCount } from './relay.ts'
import { execute } from './servers.ts'

/** The rows of `grow.ts` are weeks old: with these all have expired. */
const expiring = { OUTBOX_RETENTION_DAYS: '1', INBOX_RETENTION_DAYS: '2' }

/** With these none has. */
export const keeping = { OUTBOX_RETENTION_DAYS: '36000', INBOX_RETENTION_DAYS: '36500' }

/**
 * Relay and charge while the consumer of the same database deletes old rows, of which there are
 * millions in each table; against the same without.
 */
export const retention: Measurement = {
  name: 'retention',
  run: async (bench: Bench): Promise<Figure[]> => {
    const { servers, progress, quick } = bench
    const rows = quick ? 500_000 : 5_000_000
    const ordersUrl = await servers.database('retained_orders', 'orders')
    const paymentsUrl = await servers.database('retained_payments', 'payments')
    progress(
      `retention: writing ${rows.toLocaleString('en')} rows into each table, which takes a while`,
    )
    await Promise.all([growOrders(ordersUrl, rows), growPayments(paymentsUrl, rows, accounts)])
    return [await besideRelay(bench, ordersUrl), await besideCharge(bench, paymentsUrl)]
  },
}

async function besideRelay(bench: Bench, ordersUrl: string): Promise<Figure> {
  const name = 'retention, relay'
  const servers = { ordersUrl }
  await using queue = await openQueue(bench.servers.brokerUrl)
  await using outbox = await Outbox.connect(ordersUrl)
  await using _relay = await startProcess('orders-relay', bench, { servers })
  const rate = async (env: NodeJS.ProcessEnv) => {
    await using _consumer = await startProcess('orders-consumer', bench, { servers, env })
    return drainRate(outbox, queue, relayCount(bench))
  }
  return await measured(bench, { name, unit: 'events/s', url: ordersUrl, rate })
}

async function besideCharge(bench: Bench, paymentsUrl: string): Promise<Figure> {
  const name = 'retention, charge'
  await using queue = await openQueue(bench.servers.brokerUrl)
  const rate = async (env: NodeJS.ProcessEnv) => {
    await using payments = new PaymentsFixture(paymentsUrl)
    const servers = { paymentsUrl }
    await using consumer = await startProcess('payments-consumer', bench, { servers, env })
    const count = chargeCount(bench)
    await chargeRate([consumer], queue, payments, { count: count / 10, accounts })
    payments.begin()
    return await chargeRate([consumer], queue, payments, { count, accounts })
  }
  return await measured(bench, { name, unit: 'requests/s', url: paymentsUrl, rate })
}

interface Beside {
  name: string
  unit: string
  url: string
  rate: (env: NodeJS.ProcessEnv) => Promise<number>
}

/** Throws when nothing was deleted meanwhile: then the figure would say nothing. */
async function measured(bench: Bench, { name, unit, url, rate }: Beside): Promise<Figure> {
  const deletedPerRound: number[] = []
  const sides = {
    with: async () => {
      await execute(url, 'UPDATE retention SET due_at = now()')
      const before = await deletedFrom(url)
      const value = await rate(expiring)
      const deleted = (await deletedFrom(url)) - before
      if (deleted === 0) throw new Error(`${name}: no old row was left to delete`)
      deletedPerRound.push(deleted)
      return value
    },
    without: () => rate(keeping),
  }
  const values = await alternate(bench, name, sides)
  const deleted = Math.round(median(deletedPerRound)).toLocaleString('en')
  return {
    ...{ name, unit, values: values.with, against: 'the same without retention' },
    ...{ limits: values.without, target: { ratioAtLeast: 0.95 } },
    note: `${deleted} rows were deleted in each round`,
  }
}

async function deletedFrom(url: string): Promise<number> {
  const [row] = await execute<{ deleted: number }>(
    url,
    'SELECT coalesce(sum(deleted_ever), 0)::float8 AS deleted FROM retention',
  )
  return row?.deleted ?? 0
}
