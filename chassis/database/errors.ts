import pg from 'pg'
import { AppError } from '../errors.ts'

/**
 * The SQLSTATEs by which a server is unavailable; the classes are in appendix A of PostgreSQL's
 * manual. Not listed: program faults, which no retry repairs, such as a missing column or function,
 * a wrong type, or a value that cannot be stored (decision 11).
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
/** 54000 also means a row that is too large, for which a retry is useless; hence the routine. */
const isNotifyQueueFull = ({ code, routine }: pg.DatabaseError): boolean =>
  code === '54000' && /notify|^asyncQueue/i.test(routine ?? '')
const conflict = /^(40001|40P01|23505)$/ // serialization failure, deadlock, unique key taken

/**
 * Translates an error of pg into an AppError, with the original as its cause. An error that is no
 * answer of the server is a lost or refused connection: `unavailable`, too.
 */
export function translateError(error: unknown): unknown {
  if (error instanceof AppError) return error
  if (!isAnswer(error)) return unreachable(error)
  const code = error.code ?? ''
  if (unavailable.some((pattern) => pattern.test(code)) || isNotifyQueueFull(error)) {
    return new AppError('unavailable', 'The database is unavailable', { cause: error })
  }
  if (code === '57014') return new AppError('slow', 'The statement took too long', { cause: error })
  if (code === '55P03')
    return new AppError('locked', 'Another transaction holds a lock', { cause: error })
  if (conflict.test(code)) {
    return new AppError('conflict', 'Conflict with another transaction', { cause: error })
  }
  return error
}

/** Whether an error is an answer of the server, not of the connection. */
export const isAnswer = (error: unknown): error is pg.DatabaseError =>
  error instanceof pg.DatabaseError

/** The error for a lost or refused connection. */
export const unreachable = (cause: unknown) =>
  new AppError('unavailable', 'The database cannot be reached', { cause })
