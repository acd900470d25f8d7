import { drainRates, fillBacklog, untilFinal } from './backlog-rows.ts'
import { accounts, chargeCount, chargeRate } from './charge.ts'
import type { Posted, Posting } from './load-posts.ts'
import {
  alternate,
  type Bench,
  type Figure,
  type Measurement,
  median,
  readable,
  rounds,
} from './measurement.ts'
import { PaymentsFixture } from './payments-fixture.ts'
import { startPeer, startProcess } from './processes.ts'
import { openQueue } from './queue.ts'
import { execute } from './servers.ts'
import { auditSystem, startSystem } from './system.ts'

type Values = Record<'normal' | 'beside' | 'settled' | 'charged' | 'retried', number[]>

/**
 * The broker was away for ten minutes at a thousand orders a second: how fast orders are accepted
 * beside those that wait, and how fast all become final when it is back. Each is paid once, or the
 * run fails.
 */
export const backlog: Measurement = {
  name: 'backlog',
  isLong: true,
  run: async (bench: Bench): Promise<Figure[]> => {
    const values: Values = { normal: [], beside: [], settled: [], charged: [], retried: [] }
    const drain = async (round: number) => {
      const one = await outage(bench)
      if (round === 0) return one.settled
      for (const name of Object.keys(values) as (keyof Values)[]) values[name].push(one[name])
      return one.settled
    }
    const sides = { charge: () => chargeAlone(bench), drain }
    const { charge } = await alternate(bench, 'backlog', sides, {
      times: bench.quick ? 1 : rounds,
    })
    return figuresOf(values, charge)
  },
}

/** As `charge` measures it: nobody else works. */
async function chargeAlone(bench: Bench): Promise<number> {
  await using queue = await openQueue(bench.servers.brokerUrl)
  await using payments = new PaymentsFixture(bench.servers.paymentsUrl)
  await using consumer = await startProcess('payments-consumer', bench)
  const count = chargeCount(bench)
  await payments.open(accounts)
  await chargeRate([consumer], queue, payments, { count: count / 10, accounts })
  payments.begin()
  return await chargeRate([consumer], queue, payments, { count, accounts })
}

async function outage(bench: Bench): Promise<Record<keyof Values, number>> {
  const { ordersUrl, paymentsUrl, broker } = bench.servers
  const [size, posts] = bench.quick ? [20_000, 2_000] : [600_000, 20_000]
  await using system = await startSystem(bench)
  await using load = startPeer<Posting, Posted>('load-posts.ts')
  const accept = async () => {
    const ask = { url: `${system.gateway}/orders`, count: posts, connections: 64, users: 1_000 }
    return posts / ((await load.ask(ask)).ms / 1_000)
  }
  await broker.kill()
  await accept() // to warm up
  const normal = await accept()
  await fillBacklog(ordersUrl, size)
  const beside = await accept()
  await broker.restart()
  await untilFinal(ordersUrl)
  await auditSystem(bench, size + 3 * posts)
  const rates = await drainRates({ ordersUrl, paymentsUrl })
  bench.progress(
    `backlog of ${readable(size)}: accepted ${readable(normal)}, beside it ${readable(beside)}; settled ${readable(rates.settled)}, charged ${readable(rates.charged)} a second; ${rates.retried} requested again`,
  )
  await execute(ordersUrl, 'TRUNCATE orders, outbox, inbox')
  return { normal, beside, ...rates }
}

function figuresOf(
  { normal, beside, settled, charged, retried }: Values,
  charge: number[],
): Figure[] {
  const drained = { unit: 'orders/s', values: settled }
  return [
    {
      name: 'backlog, accept',
      unit: 'orders/s',
      values: beside,
      against: 'the same while the broker is away, before there is a backlog',
      limits: normal,
      target: { ratioAtLeast: 0.9 },
    },
    {
      ...drained,
      name: 'backlog, drain',
      against: 'charge: one payments-consumer, and nobody else works',
      limits: charge,
      target: { ratioAtLeast: 0.8 },
      note: `charged ${readable(median(charged))} a second meanwhile; ${median(retried)} requested again`,
    },
    {
      ...drained,
      name: 'backlog, settling',
      against: 'orders charged in the same time, from the first to the last',
      limits: charged,
      target: { ratioAtLeast: 0.8 },
    },
  ]
}
