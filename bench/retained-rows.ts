import { execute, type Servers } from './servers.ts'

/** What is known of the tables that expire, by database and table. */
export type Sizes = Record<string, Size>

interface Size {
  tableMb: number
  indexMb: number
  live: number
  dead: number
  /** By autovacuum. */
  vacuums: number
  /** For how long the oldest row has been expired. */
  behindSeconds: number
}

/**
 * Old rows that expire from now on, one after another, in each table that expires: as many as new
 * ones will be written. The retentions are a day for events and keys, and two for the inbox.
 */
export async function expireWhile(
  { ordersUrl, paymentsUrl }: Servers,
  { perSecond, seconds }: { perSecond: number; seconds: number },
): Promise<void> {
  const count = Math.ceil(perSecond * seconds)
  const age = (days: number) =>
    `interval '-${days} days' + n * interval '1 second' / ${perSecond.toFixed(3)}`
  const rows = (request: string, reply: string) => `
    INSERT INTO outbox (event_id, event_type, payload_json, created_at, published_at, publish_attempts)
      SELECT uuidv7(${age(1)}), '${request}',
             jsonb_build_object('subject', n, 'data', repeat('x', 350)), now() + ${age(1)}, now() + ${age(1)}, 1
      FROM generate_series(1, ${count}) AS n;
    INSERT INTO inbox (event_id, event_type, received_at)
      SELECT uuidv7(${age(2)}), '${reply}', now() + ${age(2)} FROM generate_series(1, ${count}) AS n`
  const keys = `
    INSERT INTO idempotency_keys
      (user_id, call, key, fingerprint, response_status, response_body, created_at)
      SELECT 'user-' || n % 1000, 'POST /orders', n, repeat('f', 64), 201, repeat('x', 200), now() + ${age(1)}
      FROM generate_series(1, ${count}) AS n`
  await execute(ordersUrl, `${rows('PaymentRequested', 'PaymentSucceeded')}; ${keys}`)
  await execute(paymentsUrl, rows('PaymentSucceeded', 'PaymentRequested'))
  for (const url of [ordersUrl, paymentsUrl]) await execute(url, 'VACUUM (ANALYZE)')
}

/** Of all tables that a run fills. */
export async function readSizes({ ordersUrl, paymentsUrl }: Servers): Promise<Sizes> {
  const found: Sizes = {}
  for (const [service, url, tables] of [
    ['orders', ordersUrl, ['outbox', 'inbox', 'idempotency_keys']],
    ['payments', paymentsUrl, ['outbox', 'inbox']],
  ] as const) {
    for (const table of tables) found[`${service}.${table}`] = await readSize(url, table)
  }
  return found
}

const ageColumns = {
  outbox: 'published_at',
  inbox: 'received_at',
  idempotency_keys: 'created_at',
}

async function readSize(url: string, table: keyof typeof ageColumns): Promise<Size> {
  const [size] = await execute<Size>(
    url,
    `SELECT pg_table_size(relid) / 1e6 AS "tableMb", pg_indexes_size(relid) / 1e6 AS "indexMb",
            n_live_tup::int AS live, n_dead_tup::int AS dead, autovacuum_count::int AS vacuums,
            (SELECT coalesce(greatest(0, extract(epoch FROM
               now() - min(${ageColumns[table]}) - retention_ms * interval '1 millisecond')), 0)::float8
             FROM ${table}) AS "behindSeconds"
     FROM pg_stat_user_tables JOIN retention ON table_name = relname WHERE relname = $1`,
    [table],
  )
  if (!size) throw new Error(`nothing is known of the retention of ${table}`)
  return { ...size, tableMb: Number(size.tableMb), indexMb: Number(size.indexMb) }
}
