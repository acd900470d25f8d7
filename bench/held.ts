import pg from 'pg'
import { alternate, type Bench, type Figure, type Measurement } from './measurement.ts'
import { Outbox } from './outbox.ts'
import { startProcess } from './processes.ts'
import { openQueue } from './queue.ts'
import { drainRate, relayCount } from './relay.ts'

/**
 * The relay while another session holds a snapshot open from before the rows until the last is
 * published, so that nothing dead can be cleaned away; against the same without it.
 */
export const heldTransaction: Measurement = {
  name: 'held transaction',
  run: async (bench: Bench): Promise<Figure[]> => {
    const { ordersUrl, brokerUrl } = bench.servers
    const count = relayCount(bench)
    await using queue = await openQueue(brokerUrl)
    await using outbox = await Outbox.connect(ordersUrl)
    await outbox.empty()
    await using _relay = await startProcess('orders-relay', bench)

    const tails: number[] = []
    const held = async (round: number) => {
      await outbox.empty()
      await using _snapshot = await holdSnapshot(ordersUrl)
      const rate = await drainRate(outbox, queue, count)
      if (round > 0) tails.push(await outbox.steadiness())
      return rate
    }
    const free = async () => {
      await outbox.empty()
      return drainRate(outbox, queue, count)
    }
    const values = await alternate(bench, 'held transaction', { held, free })
    return figuresOf(values, tails)
  },
}

const figuresOf = (values: Record<'held' | 'free', number[]>, tails: number[]): Figure[] => [
  {
    name: 'held transaction',
    unit: 'events/s',
    values: values.held,
    against: 'the relay without it',
    limits: values.free,
    target: { ratioAtLeast: 0.7 },
  },
  {
    name: 'held transaction, tail',
    unit: '× the time of the second quarter',
    values: tails.map((steadiness) => 1 / steadiness),
    against: 'how long the last quarter of the events took',
    limits: [],
    target: { valueAtMost: 1.25 },
  },
]

/** It reads nothing of the outbox, so that it holds no lock on it. */
async function holdSnapshot(connectionString: string): Promise<AsyncDisposable> {
  const client = new pg.Client({ connectionString })
  await client.connect()
  await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ')
  await client.query('SELECT pg_current_snapshot(), count(*) FROM orders')
  return { [Symbol.asyncDispose]: () => client.end() }
}
