import pg from 'pg'
import { leastIdNow, paymentRequests } from './requests.ts'

/** The outbox of Orders as the harness sees it: filled, watched, and audited. */
export class Outbox {
  readonly #client: pg.Client
  #filledAt = ''
  /** No id of the last filling is less: ids grow with time. */
  #firstId = ''

  private constructor(client: pg.Client) {
    this.#client = client
  }

  static async connect(connectionString: string): Promise<Outbox> {
    const client = new pg.Client({ connectionString })
    client.on('error', () => {}) // the server was stopped first
    await client.connect()
    return new Outbox(client)
  }

  async empty(): Promise<void> {
    await this.#client.query('TRUNCATE outbox')
  }

  /** Adds events in one transaction that notifies the relay; returns their ids. */
  async fill(count: number): Promise<string[]> {
    this.#firstId = leastIdNow()
    const events = paymentRequests(count, 1_000)
    await this.#client.query('BEGIN')
    await this.#client.query(
      `INSERT INTO outbox (event_id, event_type, payload_json)
       SELECT * FROM unnest($1::uuid[], $2::text[], $3::jsonb[])`,
      [
        events.map(({ id }) => id),
        events.map(({ type }) => type),
        events.map((event) => JSON.stringify(event)),
      ],
    )
    const { rows } = await this.#client.query(
      `SELECT clock_timestamp()::text AS now, pg_notify('outbox', '')`,
    )
    this.#filledAt = rows[0].now
    await this.#client.query('COMMIT')
    return events.map(({ id }) => id)
  }

  async untilDrained(): Promise<void> {
    const deadline = performance.now() + 120_000
    while (await this.#owes()) {
      if (performance.now() > deadline) throw new Error('the outbox was not drained in 2 minutes')
      await this.#client.query('SELECT pg_sleep(0.05)')
    }
  }

  /** From `fill` to the last mark. Throws unless each was published, at the first attempt. */
  async secondsToDrain(count: number): Promise<number> {
    const { rows } = await this.#client.query(
      `SELECT count(*)::int AS published,
              extract(epoch FROM max(published_at) - $1::timestamptz)::float8 AS seconds
       FROM outbox WHERE event_id >= $2 AND published_at IS NOT NULL AND publish_attempts = 1`,
      [this.#filledAt, this.#firstId],
    )
    if (rows[0].published === count) return rows[0].seconds
    throw new Error(`${rows[0].published} of ${count} events are marked as published once`)
  }

  /**
   * How fast the last quarter was drained, compared with the second: less than 1 is a growing tail.
   */
  async steadiness(): Promise<number> {
    const { rows } = await this.#client.query(
      `WITH marks AS (
         SELECT published_at, ntile(4) OVER (ORDER BY published_at) AS quarter
         FROM outbox WHERE event_id >= $1),
       spans AS (
         SELECT quarter, extract(epoch FROM max(published_at) - min(published_at)) AS seconds
         FROM marks GROUP BY quarter)
       SELECT ((SELECT seconds FROM spans WHERE quarter = 2)
               / (SELECT seconds FROM spans WHERE quarter = 4))::float8 AS steadiness`,
      [this.#firstId],
    )
    return rows[0].steadiness
  }

  /** In how many transactions the events that are there were marked. */
  async turns(): Promise<number> {
    const { rows } = await this.#client.query(
      'SELECT count(DISTINCT xmin::text)::int AS turns FROM outbox',
    )
    return rows[0].turns
  }

  async messageBytes(): Promise<number> {
    const { rows } = await this.#client.query(
      'SELECT octet_length(payload_json::text) AS bytes FROM outbox LIMIT 1',
    )
    return rows[0].bytes
  }

  async #owes(): Promise<boolean> {
    const { rows } = await this.#client.query(
      'SELECT EXISTS (SELECT FROM outbox WHERE published_at IS NULL) AS owes',
    )
    return rows[0].owes
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#client.end()
  }
}
