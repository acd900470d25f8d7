import { accounts, chargeCount, chargeRate } from './charge.ts'
import { growOrders, growPayments } from './grow.ts'
import { alternate, type Bench, type Figure, type Measurement } from './measurement.ts'
import { Outbox } from './outbox.ts'
import { PaymentsFixture } from './payments-fixture.ts'
import { startProcess } from './processes.ts'
import { openQueue } from './queue.ts'
import { drainRate, relayCount } from './relay.ts'
import { keeping } from './retention.ts'

/** Relay and charge on tables with millions of rows, against the same on empty ones. */
export const growth: Measurement = {
  name: 'growth',
  run: async (bench: Bench): Promise<Figure[]> => {
    const { servers, progress } = bench
    const rows = bench.quick ? 50_000 : 5_000_000
    const grown = {
      ordersUrl: await servers.database('grown_orders', 'orders'),
      paymentsUrl: await servers.database('grown_payments', 'payments'),
    }
    progress(
      `growth: writing ${rows.toLocaleString('en')} rows into each table, which takes a while`,
    )
    await Promise.all([
      growOrders(grown.ordersUrl, rows),
      growPayments(grown.paymentsUrl, rows, accounts),
    ])
    return [await relayGrowth(bench, grown.ordersUrl), await chargeGrowth(bench, grown.paymentsUrl)]
  },
}

async function relayGrowth(bench: Bench, grownUrl: string): Promise<Figure> {
  const name = 'growth, relay'
  await using queue = await openQueue(bench.servers.brokerUrl)
  await using small = await Outbox.connect(bench.servers.ordersUrl)
  await using large = await Outbox.connect(grownUrl)
  await using _ofSmall = await startProcess('orders-relay', bench)
  await using _ofLarge = await startProcess('orders-relay', bench, {
    servers: { ordersUrl: grownUrl },
  })
  const count = relayCount(bench)
  const sides = {
    grown: () => drainRate(large, queue, count),
    empty: async () => {
      await small.empty()
      return drainRate(small, queue, count)
    },
  }
  return figure(name, 'events/s', await alternate(bench, name, sides))
}

/** One consumer at a time, since both would take from the same queue; each is warmed first. */
async function chargeGrowth(bench: Bench, grownUrl: string): Promise<Figure> {
  const name = 'growth, charge'
  await using queue = await openQueue(bench.servers.brokerUrl)
  const rate = async (paymentsUrl: string, isEmpty: boolean) => {
    await using payments = new PaymentsFixture(paymentsUrl)
    if (isEmpty) await payments.open(accounts)
    await using consumer = await startProcess('payments-consumer', bench, {
      servers: { paymentsUrl },
      env: keeping, // the old rows are what it is about
    })
    const count = chargeCount(bench)
    await chargeRate([consumer], queue, payments, { count: count / 10, accounts })
    payments.begin()
    return await chargeRate([consumer], queue, payments, { count, accounts })
  }
  const sides = {
    grown: () => rate(grownUrl, false),
    empty: () => rate(bench.servers.paymentsUrl, true),
  }
  return figure(name, 'requests/s', await alternate(bench, name, sides))
}

const figure = (
  name: string,
  unit: string,
  { grown, empty }: Record<'grown' | 'empty', number[]>,
): Figure => ({
  name,
  unit,
  values: grown,
  against: 'the same with empty tables',
  limits: empty,
  target: { ratioAtLeast: 0.9 },
})
