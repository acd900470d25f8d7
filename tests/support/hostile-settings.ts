import { type RawBuilder, sql } from 'kysely'
import type { sessionSettings } from '#chassis/database/session.ts'

/** For each setting of a session, a value with which something fails. */
export const hostileSettings: Record<keyof typeof sessionSettings, string> = {
  statement_timeout: '150ms',
  lock_timeout: '1ms',
  idle_in_transaction_session_timeout: '20ms',
  transaction_timeout: '300ms',
  idle_session_timeout: '300ms',
  exit_on_error: 'on',
  DateStyle: 'German, DMY',
  IntervalStyle: 'sql_standard',
  TimeZone: 'Asia/Tokyo',
  timezone_abbreviations: 'Australia',
  client_encoding: 'LATIN1',
  bytea_output: 'escape',
  extra_float_digits: '-15',
  array_nulls: 'off',
  transform_null_equals: 'on',
  standard_conforming_strings: 'off',
  default_transaction_isolation: 'serializable',
  default_transaction_deferrable: 'on',
  search_path: 'nowhere',
  plan_cache_mode: 'force_custom_plan',
  enable_seqscan: 'on',
}

/** The statements by which an administrator sets defaults for new sessions of a database. */
export const alterDatabase = (
  name: string,
  settings: Partial<typeof hostileSettings>,
): RawBuilder<unknown>[] =>
  Object.entries(settings).map(
    ([setting, value]) =>
      sql`ALTER DATABASE ${sql.id(name)} SET ${sql.id(setting.toLowerCase())} = ${sql.lit(value)}`,
  )
