import { createdAtMs } from '../dead-letters/summary.ts'

/**
 * What is known of the times of a decision about an order, by the clocks of databases, and by ids,
 * whose makers have clocks of their own.
 */
export interface KnownTimes {
  /** The id that was made when it was accepted: of the order, or of the request for its refund. */
  acceptedId: string
  requestId: string | null
  acceptedAt: Date | undefined
  /** When it was settled; until now, if it is not. */
  endedAt: Date
  txId: string | undefined
  decidedAt: Date | undefined
}

/**
 * An event is made a little before its transaction, and a batch that restarts makes it again.
 */
const slackMs = 60_000

/**
 * Between which moments the ids of events about an order can lie. Ids are times by the clock of the
 * process that made them, which may be far from the database's: the order's id, its request's and
 * the debit's were made by the same clocks as the events, and tell how far.
 */
export function windowOf(known: KnownTimes): [Date, Date] {
  const { acceptedAt, decidedAt, endedAt } = known
  const orderMs = createdAtMs(known.acceptedId)
  const debitMs = createdAtMs(known.txId ?? '')
  const skewsMs = [aheadMs(orderMs, acceptedAt), aheadMs(debitMs, decidedAt)]
  const moments = [
    ...[acceptedAt?.getTime(), decidedAt?.getTime(), orderMs, debitMs],
    ...[createdAtMs(known.requestId ?? ''), endedAt.getTime()],
    ...skewsMs.map((skewMs) => endedAt.getTime() + skewMs),
  ].filter((moment) => moment !== undefined)
  return [new Date(Math.min(...moments) - slackMs), new Date(Math.max(...moments) + slackMs)]
}

/** How far the clock that made an id is ahead of the database's. */
const aheadMs = (madeMs: number | undefined, storedAt: Date | undefined): number =>
  madeMs === undefined || storedAt === undefined ? 0 : madeMs - storedAt.getTime()
