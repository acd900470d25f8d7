import pg from 'pg'

/** The database of Payments as the harness sees it: filled, watched, and audited. */
export class Books {
  readonly #pool: pg.Pool

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
        SELECT 'user-' || n, 1000.00, 1 FROM generate_series(0, ${accounts - 1}) AS n;
      INSERT INTO ledger (tx_id, user_id, type, amount, status)
        SELECT uuidv7(), user_id, 'TOPUP', balance, 'SUCCESS' FROM accounts;
      COMMIT`)
    await this.#pool.query('VACUUM (ANALYZE) accounts, ledger, inbox, outbox')
  }

  /** Resolves when so many events are handled. Looks seldom: the times come from the commits. */
  async untilHandled(count: number): Promise<void> {
    const deadline = performance.now() + 120_000
    while ((await this.#count('inbox')) < count) {
      if (performance.now() > deadline) throw new Error('not handled in 2 minutes')
      await this.#pool.query('SELECT pg_sleep(0.2)')
    }
  }

  /** Handled events per second up to the last commit, from the given moment or the first commit. */
  async rate(from?: Date): Promise<number> {
    const { rows } = await this.#pool.query(
      `WITH commits AS (SELECT pg_xact_commit_timestamp(xmin) AS at FROM inbox),
            span AS (SELECT coalesce($1, min(at)) AS first, max(at) AS last FROM commits)
       SELECT (SELECT count(*) FROM commits WHERE at > first)
              / extract(epoch FROM last - first)::float8 AS rate
       FROM span`,
      [from],
    )
    return rows[0].rate
  }

  /**
   * Throws unless so many orders were charged, each once and with its reply, and the money adds up:
   * every balance is the sum of its account's ledger, every version the number of its entries.
   */
  async audit(count: number): Promise<void> {
    const { rows } = await this.#pool.query(`
      WITH entries AS (
        SELECT user_id, sum(CASE type WHEN 'TOPUP' THEN amount ELSE -amount END) AS balance,
               count(*) AS version
        FROM ledger WHERE status = 'SUCCESS' GROUP BY user_id)
      SELECT (SELECT count(*) FROM inbox)::int AS inbox,
             (SELECT count(DISTINCT order_id) FROM ledger WHERE status = 'SUCCESS')::int AS charged,
             (SELECT count(*) FROM outbox WHERE event_type = 'PaymentSucceeded')::int AS replies,
             (SELECT count(*) FROM accounts FULL JOIN entries USING (user_id)
              WHERE (accounts.balance, accounts.version)
                    IS DISTINCT FROM (entries.balance, entries.version))::int AS wrong`)
    const { inbox, charged, replies, wrong } = rows[0]
    if ([inbox, charged, replies].every((found) => found === count) && wrong === 0) return
    throw new Error(`of ${count} requests: ${JSON.stringify(rows[0])}; "wrong" counts accounts`)
  }

  async #count(table: 'inbox'): Promise<number> {
    const { rows } = await this.#pool.query(`SELECT count(*)::int AS count FROM ${table}`)
    return rows[0].count
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#pool.end()
  }
}
