import { type Kysely, sql } from 'kysely'
import { pause } from '#local/supervisor/waiting.ts'
import { eventually } from '#testing/eventually.ts'
import type { System } from './system.ts'

const everyMs = 50

/** Of each table that expires: so many old rows at a time, and one that is not old. */
const oldRows = 20

/** Rows that have expired when they are written, in both databases, until it is stopped. */
export class AgedRows {
  /** How often rows were written to each database. */
  readonly #written = { orders: 0, payments: 0 }
  readonly #stop = new AbortController()
  #writing: Promise<unknown> = Promise.resolve()

  start(system: System): void {
    this.#writing = Promise.all([
      this.#write('orders', system.orders.db),
      this.#write('payments', system.payments.db),
    ])
    this.#writing.catch(() => {}) // thrown by `stop`
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#writing
  }

  async #write<Tables>(service: 'orders' | 'payments', db: Kysely<Tables>): Promise<void> {
    while (!this.#stop.signal.aborted) {
      await insertAged(db)
      this.#written[service]++
      await pause(everyMs)
    }
  }

  /**
   * A turn of retention rests for twenty times as long as it took, so a slow machine needs more
   * time to come to each table. `faults` says which table it is, if this is given up.
   */
  async untilSomeAreDeleted({ orders, payments }: System): Promise<void> {
    const isDone = async <Tables>(db: Kysely<Tables>) => {
      const { rows } = await sql<{ isDone: boolean }>`
        SELECT count(*) = 4 AND bool_and(deleted_ever > 0) AS "isDone" FROM retention`.execute(db)
      return rows[0]?.isDone
    }
    const areDone = async () => (await isDone(orders.db)) && (await isDone(payments.db))
    await eventually(areDone, { timeoutMs: 60_000 }).catch(() => {})
  }

  /** Of what was written, a sentence for each table that has not all that it should. */
  async faults({ orders, payments }: System): Promise<string[]> {
    await this.stop()
    return [
      ...(await faultsIn('orders', orders.db, this.#written.orders)),
      ...(await faultsIn('payments', payments.db, this.#written.payments)),
    ]
  }
}

/** Published and handled 40 days ago, and by events of 40 days ago that are of today. */
const insertAged = <Tables>(db: Kysely<Tables>) =>
  sql`
    WITH aged AS (
      SELECT uuidv7(interval '-40 days') AS id,
             now() - CASE WHEN n > 0 THEN interval '39 days' ELSE interval '0' END AS at
      FROM generate_series(0, ${oldRows}) AS n),
    events AS (
      INSERT INTO outbox (event_id, event_type, payload_json, published_at)
      SELECT id, 'Aged', '{}', at FROM aged),
    handled AS (INSERT INTO inbox (event_id, event_type, received_at) SELECT id, 'Aged', at FROM aged),
    tried AS (INSERT INTO attempts (event_id, last_error, last_started_at) SELECT id, 'Aged', at FROM aged)
    INSERT INTO idempotency_keys
      (user_id, call, key, fingerprint, response_status, response_body, created_at)
    SELECT 'aged', 'Aged', id, '', 200, '', at FROM aged`.execute(db)

async function faultsIn<Tables>(
  service: string,
  db: Kysely<Tables>,
  written: number,
): Promise<string[]> {
  const { rows } = await sql<{ name: string; left: number; young: number; deleted: number }>`
    WITH aged (name, at) AS (
      SELECT 'outbox', published_at FROM outbox WHERE event_type = 'Aged'
      UNION ALL SELECT 'inbox', received_at FROM inbox WHERE event_type = 'Aged'
      UNION ALL SELECT 'attempts', last_started_at FROM attempts WHERE last_error = 'Aged'
      UNION ALL SELECT 'idempotency_keys', created_at FROM idempotency_keys WHERE user_id = 'aged')
    SELECT table_name AS name, deleted_ever::int AS deleted,
           (SELECT count(*) FROM aged WHERE name = table_name AND at < now() - interval '1 day')::int AS left,
           (SELECT count(*) FROM aged WHERE name = table_name AND at >= now() - interval '1 day')::int AS young
    FROM retention`.execute(db)
  const tables = rows.map(({ name, left, young, deleted }) => {
    const isRight = deleted > 0 && deleted + left === written * oldRows && young === written
    return isRight
      ? []
      : `${service}.${name}: of ${written * oldRows} old rows ${deleted} deleted and ${left} left; of ${written} others ${young} left`
  })
  return [
    ...tables.flat(),
    ...(rows.length === 4 ? [] : [`${service}: ${rows.length} tables expire`]),
  ]
}
