import pg from 'pg'

interface Setting {
  value: string
  why: string
  /** The URL (its own parameters, or its `options`) may override it: no result depends on it. */
  isTunable?: true
}

/**
 * The settings that every session states when it opens, whatever ALTER DATABASE, ALTER ROLE, postgresql.conf
 * or PGOPTIONS have set. Not here: settings that make a server slower or log more, not wrong;
 * `synchronous_commit`, which durability.ts refuses; and `default_transaction_read_only`, by which an
 * administrator, or a host whose disk is full, stops all writing on purpose: that is `unavailable`.
 */
export const sessionSettings = {
  statement_timeout: {
    ...{ value: '5000', isTunable: true },
    why: 'nothing waits for ever; first, so that a shorter one does not end what follows',
  },
  lock_timeout: { value: '2000', isTunable: true, why: 'nobody waits for a stuck transaction' },
  idle_in_transaction_session_timeout: {
    ...{ value: '10000', isTunable: true },
    why: 'a frozen process loses its locks, and its late commit fails',
  },
  transaction_timeout: {
    ...{ value: '0', isTunable: true },
    why: 'a relay waits for confirms in a transaction, an operator reads for minutes',
  },
  idle_session_timeout: {
    ...{ value: '0', isTunable: true },
    why: 'LISTEN is idle on purpose; the pool closes its own idle connections',
  },
  exit_on_error: { value: 'off', why: 'a unique key that is taken is an answer, not the end' },
  DateStyle: { value: 'ISO, MDY', why: 'the driver reads no other format: a time would be null' },
  IntervalStyle: { value: 'postgres', why: 'the format that the driver reads' },
  TimeZone: { value: 'UTC', why: 'what has no zone of its own is UTC, as in migrations.run_on' },
  timezone_abbreviations: { value: 'Default', why: 'what abbreviated zones mean' },
  client_encoding: { value: 'UTF8', why: 'the driver writes and reads UTF-8' },
  bytea_output: { value: 'hex', why: 'the format that the driver reads' },
  extra_float_digits: { value: '1', why: 'a float8 arrives as it is, not rounded' },
  array_nulls: {
    value: 'on',
    why: 'NULL in an array is null, not the word: no failure, no reason',
  },
  transform_null_equals: { value: 'off', why: '`= NULL` is null, as in the standard' },
  standard_conforming_strings: { value: 'on', why: 'a backslash in a literal is a backslash' },
  default_transaction_isolation: {
    value: 'read committed',
    why: 'after a lock wait the statement sees the committed row',
  },
  default_transaction_deferrable: { value: 'off', why: 'no snapshot waits for others to end' },
  search_path: {
    ...{ value: '"$user", public', isTunable: true },
    why: 'tables have no schema in our statements: a schema named like the role, or public',
  },
  plan_cache_mode: { value: 'auto', isTunable: true, why: 'prepared statements keep their plans' },
  /**
   * The plan of a prepared statement is kept. One that was made while its table was empty reads all of
   * it, and goes on doing so while the table grows, until autovacuum has looked at it: a minute or more
   * in which a burst of orders takes longer with each order. Every statement here has its index.
   */
  enable_seqscan: { value: 'off', isTunable: true, why: 'plans that were made for empty tables' },
} satisfies Record<string, Setting>

export type Settings = Partial<Record<keyof typeof sessionSettings, string>>

export interface SessionConfig extends pg.ClientConfig {
  /** Other values for this kind of session. */
  settings?: Settings
}

/**
 * A connection that is open when its session has stated its settings: every connection is one.
 *
 * A statement and no start-up parameters: PgBouncer refuses those, or drops them in silence, and the
 * `options` of the URL would replace ours. One round trip a connection.
 */
export class SessionClient extends pg.Client {
  readonly #statement: string

  constructor({ settings = {}, ...config }: SessionConfig = {}) {
    super(config)
    this.#statement = statementOf(settings, this as unknown as Connecting)
    this.on('error', () => {}) // its connection broke: the statement that is under way, or the next, says so
  }

  override connect(): Promise<pg.Client>
  override connect(callback: (error: Error | null) => void): void
  override connect(callback?: (error: Error | null) => void): Promise<pg.Client> | undefined {
    const opened = this.#open()
    if (!callback) return opened
    opened.then(() => callback(null), callback)
    return undefined
  }

  async #open(): Promise<pg.Client> {
    await super.connect()
    try {
      await this.query(this.#statement)
      return this
    } catch (error) {
      this.end().catch(() => {})
      throw error
    }
  }
}

/** The parameters that pg has read from the URL and the environment. */
interface Connecting {
  connectionParameters: { options?: string } & Record<string, unknown>
}

function statementOf(settings: Settings, { connectionParameters: given }: Connecting): string {
  const all = Object.entries<Setting>(sessionSettings).filter(
    ([name, { isTunable }]) => !isTunable || !isNamed(name, given),
  )
  const calls = all.map(([name, { value }]) => {
    const stated = settings[name as keyof Settings] ?? value
    return `pg_catalog.set_config('${name}', ${pg.escapeLiteral(stated)}, false)`
  })
  const [first, ...others] = calls
  return `SELECT ${first}; SELECT ${others.join(', ')}`
}

/** `?lock_timeout=…`, or `-c lock_timeout=…` or `--lock-timeout=…` in `?options=…` or PGOPTIONS. */
function isNamed(name: string, given: Connecting['connectionParameters']): boolean {
  const option = new RegExp(`(?:-c\\s*|--)${name.replaceAll('_', '[-_]')}\\s*=`, 'i')
  return Boolean(given[name]) || option.test(given.options ?? '')
}
