import type { PoolUse } from '#chassis/database/connect.ts'

/** When no more is accepted. */
export interface PressureLimits {
  /** An event, or an order, that waits for longer is overdue; 0: none is. */
  oldestMs: number
  /** So many may be overdue: a few that are stuck are no backlog. */
  tolerated: number
}

/**
 * From which age on an order counts, by whether orders are refused now. They are accepted again
 * when it is half as bad as it must be to refuse them: so the two do not alternate.
 */
export const overdueMs = ({ oldestMs }: PressureLimits, isRefusing: boolean): number =>
  isRefusing ? oldestMs / 2 : oldestMs

export const isBacklog = ({ tolerated }: PressureLimits, overdue: number): boolean =>
  overdue > tolerated

/**
 * The pool has no room when ten times as many wait for a connection as there are, until two times
 * as many do. A statement takes milliseconds: fewer are a burst.
 */
export const isCrowded = ({ waiting, max }: PoolUse, isRefusing: boolean): boolean =>
  waiting >= max * (isRefusing ? 2 : 10)
