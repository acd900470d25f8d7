import { counted } from '../cli/table.ts'
import type { Receipt } from './rows.ts'
import type { Facts } from './steps.ts'

/** Rows of a table that are older may have been deleted by retention; null: none was. */
export interface Horizons {
  ordersOutbox: Date | null
  ordersInbox: Date | null
  paymentsOutbox: Date | null
  paymentsInbox: Date | null
}

/** What must have been there, and is not found: a sentence each. */
export interface Gone {
  /** What was old enough to be deleted by retention. */
  expired: string[]
  missing: string[]
}

/** Retention deletes what is old enough; whatever else is not found, nobody should have deleted. */
export function goneFrom(facts: Facts, horizons: Horizons): Gone {
  const gone = absences(facts, horizons).filter(({ isGone }) => isGone)
  const hasExpired = ({ at, horizon }: Absence) =>
    at !== undefined && horizon !== null && at < horizon
  return {
    expired: gone.filter(hasExpired).map(({ sentence }) => sentence),
    missing: gone.filter((one) => !hasExpired(one)).map(({ sentence }) => sentence),
  }
}

interface Absence {
  isGone: boolean
  sentence: string
  /** When the row was written, at the earliest, and how old a row of its table may be. */
  at: Date | undefined
  horizon: Date | null
}

function absences(facts: Facts, horizons: Horizons): Absence[] {
  const { accepted, entry, requests, replies, received, heard, settled, last } = facts
  const lastId = last?.requestId ?? null
  const isLastGone = lastId !== null && !requests.some(({ event_id }) => event_id === lastId)
  const others = (last?.attempts ?? 0) - requests.length - (isLastGone ? 1 : 0)
  const isUnreceived = entry !== undefined && !received.some(isReceived)
  const ofRequest = { at: accepted?.at, horizon: horizons.ordersOutbox }
  return [
    {
      ...{ isGone: isLastGone, ...ofRequest },
      sentence: `the request ${lastId} is no longer in the outbox of Orders`,
    },
    {
      ...{ isGone: others > 0, ...ofRequest },
      sentence: `${counted(others, 'request')} of this order not found in the outbox of Orders`,
    },
    {
      ...{ isGone: isUnreceived && received.length === 0, ...ofRequest },
      sentence: 'it is decided, and no request of it is known',
    },
    {
      ...{ isGone: isUnreceived && received.length > 0 },
      ...{ at: entry?.created_at, horizon: horizons.paymentsInbox },
      sentence: 'it is decided, and its request is not in the inbox of Payments',
    },
    {
      ...{ isGone: settled !== undefined && !entry, at: undefined, horizon: null },
      sentence: 'it is settled, and its decision is not in the ledger',
    },
    {
      ...{ isGone: entry !== undefined && replies.length === 0 },
      ...{ at: entry?.created_at, horizon: horizons.paymentsOutbox },
      sentence: 'it is decided, and its reply is not in the outbox of Payments',
    },
    {
      ...{ isGone: settled !== undefined && replies.length > 0 && !heard.some(isReceived) },
      ...{ at: settled?.at, horizon: horizons.ordersInbox },
      sentence: 'it is settled, and its reply is not in the inbox of Orders',
    },
  ]
}

const isReceived = ({ received_at }: Receipt) => received_at !== null
