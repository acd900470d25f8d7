import { randomUUIDv7 } from 'node:crypto'
import { createEvent } from '#contracts/events.ts'
import { requestOf } from '#contracts/order-states.ts'
import { appendEvents } from '#messaging/outbox/append.ts'
import { errorText } from '../cli/error-text.ts'
import { counted } from '../cli/table.ts'
import type { Databases } from '../databases.ts'
import type { Finding } from './findings.ts'
import { claimPending, findDelayed, makeDueNow, setRequested } from './repair-rows.ts'

export interface Repaired {
  /** Orders whose payment, or refund, was requested again, with a new event in the outbox. */
  requested_again: string[]
  /** Delayed events that the relays will publish at once. */
  rescheduled: string[]
  /** Why the repair ended early. The repairs of the two lists are completed all the same. */
  error?: string
}

/** The maximum of orders, or events, of a transaction. */
const batchSize = 500

/**
 * Repeats only what is safe to repeat: Payments answers a second request for an order with the
 * recorded outcome, and a consumer drops a duplicate event. Money, statuses and the ledger are
 * never changed.
 *
 * Each batch is a transaction, which waits for no lock: rows that another transaction has locked
 * are left out. The list of repairs is complete before the first batch, so that nothing is repaired
 * twice and the repair ends, whatever arrives meanwhile. Never rejects: see `error`.
 */
export async function repair(
  { orders, payments }: Databases,
  findings: Finding[],
): Promise<Repaired> {
  const repaired: Repaired = { requested_again: [], rescheduled: [] }
  try {
    for (const ids of batchesOf(unanswered(findings))) {
      repaired.requested_again.push(...(await requestAgain(orders, ids)))
    }
    for (const db of [orders, payments]) {
      for (const ids of batchesOf(idsOf(await findDelayed(db)))) {
        repaired.rescheduled.push(...idsOf(await makeDueNow(db, ids)))
      }
    }
    return repaired
  } catch (error) {
    return { ...repaired, error: endedEarly(repaired, error as Error) }
  }
}

/** Orders that are stuck behind the outbox. */
const unanswered = (findings: Finding[]): string[] =>
  findings.flatMap(({ kind, stage, order_id }) =>
    kind === 'pending-too-long' && order_id && !/(unpublished|deferred)$/.test(stage ?? '')
      ? [order_id]
      : [],
  )

const idsOf = (rows: { event_id: string }[]) => rows.map(({ event_id }) => event_id)

function* batchesOf(ids: string[]): Generator<string[]> {
  for (let at = 0; at < ids.length; at += batchSize) yield ids.slice(at, at + batchSize)
}

const endedEarly = ({ requested_again, rescheduled }: Repaired, error: Error): string =>
  `the repair ended early, after the payment of ${counted(requested_again.length, 'order')} was ` +
  `requested again and ${counted(rescheduled.length, 'event')} rescheduled: ${errorText(error)}`

/**
 * Requests payments again, as orders-consumer does after a timeout. Returns the orders that were
 * still pending and not locked by another transaction.
 */
const requestAgain = (orders: Databases['orders'], orderIds: string[]): Promise<string[]> =>
  orders.transaction().execute(async (trx) => {
    const pending = await claimPending(trx, orderIds)
    const time = new Date()
    const events = pending.map(({ status, traceparent, ...data }) =>
      createEvent({ type: requestOf(status), data }, { id: randomUUIDv7(), time, traceparent }),
    )
    await appendEvents(trx, events)
    await setRequested(
      trx,
      events.map(({ id, subject }) => ({ orderId: subject, requestId: id })),
    )
    return pending.map(({ order_id }) => order_id)
  })
