import pg from 'pg'
import { certificateFault, withoutCertificates } from '../tls.ts'

interface Setting {
  value: string
  why: string
  /** The URL (its own parameters, or its `options`) may override it: no result depends on it. */
  isTunable?: true
}

/**
 * The settings that every session states when it opens, whatever ALTER DATABASE, ALTER ROLE,
 * postgresql.conf or PGOPTIONS have set. Not here: settings that make a server slower or log more,
 * not wrong; `synchronous_commit`, which durability.ts refuses; and
 * `default_transaction_read_only`, by which an administrator, or a host whose disk is full, stops
 * all writing on purpose: that is `unavailable`.
 */
export const sessionSettings = {
  statement_timeout: {
    ...{ value: '5000', isTunable: true },
    why: 'no statement runs for ever; set first, so that a shorter timeout does not end the next ones',
  },
  lock_timeout: {
    value: '2000',
    isTunable: true,
    why: 'no statement waits long for a stuck transaction',
  },
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
  exit_on_error: { value: 'off', why: 'a unique violation must not end the session' },
  DateStyle: { value: 'ISO, MDY', why: 'the driver parses no other format: a time would be null' },
  IntervalStyle: { value: 'postgres', why: 'the format that the driver parses' },
  TimeZone: { value: 'UTC', why: 'a time without a zone is UTC, as in migrations.run_on' },
  timezone_abbreviations: { value: 'Default', why: 'abbreviated zones have one meaning' },
  client_encoding: { value: 'UTF8', why: 'the driver writes and reads UTF-8' },
  bytea_output: { value: 'hex', why: 'the format that the driver reads' },
  extra_float_digits: { value: '1', why: 'a float8 is not rounded' },
  array_nulls: {
    value: 'on',
    why: 'NULL in an array is null, not a word: no failure has no reason',
  },
  transform_null_equals: { value: 'off', why: '`= NULL` is null, as in the standard' },
  standard_conforming_strings: { value: 'on', why: 'a backslash in a literal is a backslash' },
  default_transaction_isolation: {
    value: 'read committed',
    why: 'after a lock wait the statement sees the committed row',
  },
  default_transaction_deferrable: { value: 'off', why: 'no snapshot waits for other transactions' },
  search_path: {
    ...{ value: '"$user", public', isTunable: true },
    why: 'statements name tables without a schema',
  },
  plan_cache_mode: { value: 'auto', isTunable: true, why: 'prepared statements keep their plans' },
  /**
   * A prepared statement keeps its plan. A plan for an empty table scans the table sequentially,
   * also while the table grows, until autovacuum analyzes the table: for a minute or more, a burst
   * of orders would be slower with each order. Every statement here has its index.
   */
  enable_seqscan: { value: 'off', isTunable: true, why: 'a plan for an empty table is kept' },
} satisfies Record<string, Setting>

export type Settings = Partial<Record<keyof typeof sessionSettings, string>>

export interface SessionConfig extends pg.ClientConfig {
  /** Other values for this kind of session. */
  settings?: Settings
}

/**
 * A connection that is open when its session has its settings.
 *
 * A statement sets them, not start-up parameters: PgBouncer refuses those, or silently drops them,
 * and the `options` of the URL would replace them. The cost is one round trip for each connection.
 */
export class SessionClient extends pg.Client {
  readonly #statement: string
  /** Why the certificates of the URL cannot be used. */
  readonly #fault: string | undefined
  /** A commit was answered that no standby has: somebody ended the wait for it. */
  isUnreplicated = false

  constructor({ settings = {}, ...config }: SessionConfig = {}) {
    const { connectionString: url = '' } = config
    const fault = URL.canParse(url) ? certificateFault(url, 'postgres') : undefined
    // pg reads the files here, where its pool expects no error: one would end the process.
    super(fault ? { ...config, connectionString: withoutCertificates(url, 'postgres') } : config)
    this.#fault = fault
    this.#statement = statementOf(settings, this as unknown as Connecting)
    this.on('error', () => {}) // a lost connection: the present or the next statement rejects
    this.on('notice', ({ routine }) => {
      this.isUnreplicated ||= routine === 'SyncRepWaitForLSN'
    })
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
    if (this.#fault) throw new Error(this.#fault)
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
  return `/* stateSettings */ SELECT ${first}; SELECT ${others.join(', ')}`
}

/** `?lock_timeout=…`, or `-c lock_timeout=…` or `--lock-timeout=…` in `?options=…` or PGOPTIONS. */
function isNamed(name: string, given: Connecting['connectionParameters']): boolean {
  const option = new RegExp(`(?:-c\\s*|--)${name.replaceAll('_', '[-_]')}\\s*=`, 'i')
  return Boolean(given[name]) || option.test(given.options ?? '')
}
