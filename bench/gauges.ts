import { connectDatabase } from '#chassis/database/connect.ts'
import { readWaiting } from '#metrics/database.ts'
import { type Bench, type Figure, type Measurement, median, readable } from './measurement.ts'
import { execute } from './servers.ts'

const times = 20

/**
 * What a scrape asks a database of many rows: nothing of them waits, or everything does. Each time
 * computes all gauges, as one scrape in ten seconds does.
 */
export const gauges: Measurement = {
  name: 'gauges',
  run: async (bench: Bench): Promise<Figure[]> => {
    const { ordersUrl: url } = bench.servers
    const rows = bench.quick ? 50_000 : 5_000_000
    const figures: Figure[] = []
    for (const waiting of ['nothing', 'everything'] as const) {
      bench.progress(`gauges: ${rows} orders and events, of which ${waiting} waits`)
      await fill(url, rows, waiting === 'everything')
      const values = await scrapes(url)
      bench.progress(`gauges, ${waiting} waits: ${readable(median(values))} ms`)
      figures.push(figureOf(waiting, rows, values))
    }
    await execute(url, 'TRUNCATE orders, outbox')
    return figures
  },
}

async function fill(url: string, rows: number, isWaiting: boolean): Promise<void> {
  const since = `now() - interval '20 days' + n * interval '100 milliseconds'`
  await execute(url, 'TRUNCATE orders, outbox')
  await execute(
    url,
    `INSERT INTO outbox (event_id, event_type, payload_json, created_at, next_attempt_at, published_at)
       SELECT uuidv7(${since} - now()), 'PaymentRequested', '{"data": "of a few bytes"}', ${since},
              ${since}, ${isWaiting ? 'NULL' : since}
       FROM generate_series(1, ${rows}) AS n;
     INSERT INTO orders (order_id, user_id, amount, status, created_at, timeout_starts_at)
       SELECT uuidv7(${since} - now()), 'user-' || n % 1000, 1, '${isWaiting ? 'PAYMENT_PENDING' : 'PAID'}',
              ${since}, ${since}
       FROM generate_series(1, ${rows}) AS n;`,
  )
  await execute(url, 'VACUUM (ANALYZE)')
  await execute(url, 'CHECKPOINT')
}

/** Milliseconds of each, on one connection, after one to warm up. */
async function scrapes(url: string): Promise<number[]> {
  const db = connectDatabase<unknown>({ name: 'gauges', url, poolSize: 1 })
  try {
    const values: number[] = []
    for (let time = 0; time <= times; time++) {
      const startMs = performance.now()
      await readWaiting(db, 'orders', 0)
      if (time > 0) values.push(performance.now() - startMs)
    }
    return values
  } finally {
    await db.close()
  }
}

const figureOf = (waiting: string, rows: number, values: number[]): Figure => ({
  name: `gauges, ${waiting} waits`,
  unit: 'ms',
  values,
  against: `all gauges of Orders, once in 10 s, with ${rows.toLocaleString('en')} orders and events`,
  limits: [],
  target: { valueAtMost: waiting === 'nothing' ? 50 : 200 },
})
