import pg from 'pg'
import { signedAmount } from '#tables/payments.ts'
import { leastIdNow } from './requests.ts'

/** The database of Payments as the harness sees it: filled, watched, and audited. */
export class PaymentsFixture {
  readonly #pool: pg.Pool
  /** Whatever is counted has an id that is not less. */
  #firstId = leastIdNow()

  constructor(connectionString: string) {
    this.#pool = new pg.Pool({ connectionString, max: 1 })
    this.#pool.on('error', () => {}) // the server was stopped first
  }

  /** Empties all tables and opens accounts with money enough for every order to come. */
  async open(accounts: number): Promise<void> {
    await this.#pool.query(`
      BEGIN;
      SET LOCAL session_replication_role = replica; -- the ledger refuses TRUNCATE otherwise
      TRUNCATE accounts, ledger, inbox, outbox;
      INSERT INTO accounts (user_id, balance, version)
        SELECT 'user-' || n, 1000000.00, 1 FROM generate_series(0, ${accounts - 1}) AS n;
      INSERT INTO ledger (tx_id, user_id, type, amount, status)
        SELECT uuidv7(), user_id, 'TOPUP', balance, 'SUCCESS' FROM accounts;
      COMMIT`)
    await this.#pool.query('VACUUM (ANALYZE) accounts, ledger, inbox, outbox')
    this.begin()
  }

  /** Leaves the tables as they are: from now on is counted. */
  begin(): void {
    this.#firstId = leastIdNow()
  }

  /** Resolves when so many events are handled. Looks seldom: the times come from the commits. */
  async untilHandled(count: number): Promise<void> {
    const deadline = performance.now() + 120_000
    while ((await this.#handled()) < count) {
      if (performance.now() > deadline) throw new Error('not handled in 2 minutes')
      await this.#pool.query('SELECT pg_sleep(0.2)')
    }
  }

  /** Handled events per second up to the last commit, from the given moment or the first commit. */
  async rate(from?: Date): Promise<number> {
    const { rows } = await this.#pool.query(
      `WITH commits AS (
              SELECT pg_xact_commit_timestamp(xmin) AS at FROM inbox WHERE event_id >= $2),
            span AS (SELECT coalesce($1, min(at)) AS first, max(at) AS last FROM commits)
       SELECT (SELECT count(*) FROM commits WHERE at > first)
              / extract(epoch FROM last - first)::float8 AS rate
       FROM span`,
      [from, this.#firstId],
    )
    return rows[0].rate
  }

  /**
   * Throws unless so many orders were charged, each once and with its reply, and the money adds up:
   * every balance is the sum of its account's ledger, every version the number of its entries.
   */
  async audit(count: number): Promise<void> {
    const { rows } = await this.#pool.query(
      `WITH entries AS (
         SELECT user_id, sum(${signedAmount}) AS balance,
                count(*) AS version
         FROM ledger WHERE status = 'SUCCESS' GROUP BY user_id)
       SELECT (SELECT count(*) FROM inbox WHERE event_id >= $1)::int AS inbox,
              (SELECT count(DISTINCT order_id) FROM ledger
               WHERE tx_id >= $1 AND status = 'SUCCESS')::int AS charged,
              (SELECT count(*) FROM outbox
               WHERE event_id >= $1 AND event_type = 'PaymentSucceeded')::int AS replies,
              (SELECT count(*) FROM accounts FULL JOIN entries USING (user_id)
               WHERE (accounts.balance, accounts.version)
                     IS DISTINCT FROM (entries.balance, entries.version))::int AS wrong`,
      [this.#firstId],
    )
    const { inbox, charged, replies, wrong } = rows[0]
    if ([inbox, charged, replies].every((found) => found === count) && wrong === 0) return
    throw new Error(`of ${count} requests: ${JSON.stringify(rows[0])}; "wrong" counts accounts`)
  }

  async #handled(): Promise<number> {
    const { rows } = await this.#pool.query(
      'SELECT count(*)::int AS count FROM inbox WHERE event_id >= $1',
      [this.#firstId],
    )
    return rows[0].count
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#pool.end()
  }
}
