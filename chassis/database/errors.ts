import pg from 'pg'
import { EnvironmentError } from '../errors.ts'

/**
 * What PostgreSQL's SQLSTATE means to a caller; the classes are those of its manual, appendix A.
 * Not listed: a fault of the program or its data, which no repetition repairs, such as a column or
 * a function that does not exist, a wrong type, or a value that cannot be stored (decision 11).
 */
const unavailable = [
  /^08/, // connection exception
  /^28/, // login refused (yet)
  /^53/, // insufficient resources: disk full, too many connections
  /^57P/, // operator intervention: shutdown, crash, starting up
  /^58/, // system error
  /^25P0[34]$/, // idle or transaction time-out: the server ended the session
  /^25006$/, // read-only: a standby, or a disk about to be full
  /^42501$/, // no privilege (yet)
  /^3D000$|^3F000$|^42P01$|^42704$/, // no such database, schema, table or type (yet)
  /^0A000$|^26000$/, // a prepared statement from before a migration
]
/**
 * 54000 is also the code of a row that is too large, which stays too large; only this routine
 * reports a full queue.
 */
const isNotifyQueueFull = ({ code, routine }: pg.DatabaseError): boolean =>
  code === '54000' && /notify|^asyncQueue/i.test(routine ?? '')
const conflict = /^(40001|40P01|23505)$/ // serialization failure, deadlock, unique key taken

/**
 * Translates an error of pg. An error that is not an answer of the server is a lost or refused
 * connection, so it is `unavailable` too. The original is the cause.
 */
export function translateError(error: unknown): unknown {
  if (error instanceof EnvironmentError) return error
  if (!isAnswer(error)) return unreachable(error)
  const code = error.code ?? ''
  if (unavailable.some((pattern) => pattern.test(code)) || isNotifyQueueFull(error)) {
    return new EnvironmentError('unavailable', 'The database cannot do this now', { cause: error })
  }
  if (code === '57014')
    return new EnvironmentError('slow', 'The database took too long', { cause: error })
  if (code === '55P03')
    return new EnvironmentError('locked', 'Somebody holds a lock', { cause: error })
  if (conflict.test(code)) {
    return new EnvironmentError('conflict', 'Another transaction was in the way', { cause: error })
  }
  return error
}

/** Whether the error is an answer of the server, not a failure of the connection. */
export const isAnswer = (error: unknown): error is pg.DatabaseError =>
  error instanceof pg.DatabaseError

/** For an error that is not an answer of the server. */
export const unreachable = (cause: unknown) =>
  new EnvironmentError('unavailable', 'The database cannot be reached', { cause })
