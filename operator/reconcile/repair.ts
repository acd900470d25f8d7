import { randomUUIDv7 } from 'node:crypto'
import { createEvent } from '#contracts/events.ts'
import { requestOf } from '#contracts/order-states.ts'
import { appendEvents } from '#messaging/outbox/append.ts'
import { counted, sentenceOf } from '../cli/table.ts'
import type { Books } from '../databases.ts'
import type { Finding } from './findings.ts'
import { claimPending, findPutOff, noteAsked, stopPuttingOff } from './repair-rows.ts'

export interface Repaired {
  /** Orders that were asked for again, with a new event in the outbox. */
  asked_again: string[]
  /** Events that the relays try at once instead of later. */
  hurried: string[]
  /** Why, if it ended before its time: what the two lists name is done for good all the same. */
  error?: string
}

/** Most orders, or events, of one transaction. */
const batchSize = 500

/**
 * Repeats what is safe to repeat, and nothing else: Payments answers a second request for an order with
 * the outcome that it has recorded, and a consumer knows an event that comes twice. Money, statuses
 * and the ledger are never touched.
 *
 * Each batch is a transaction of its own, and nobody is waited for: what another transaction holds is
 * left out. What there is to do is known before the first batch, so that nothing is done twice and
 * the end is certain, however much comes in meanwhile. Never rejects: see `error`.
 */
export async function repair({ orders, payments }: Books, findings: Finding[]): Promise<Repaired> {
  const repaired: Repaired = { asked_again: [], hurried: [] }
  try {
    for (const ids of batchesOf(unanswered(findings))) {
      repaired.asked_again.push(...(await askAgain(orders, ids)))
    }
    for (const db of [orders, payments]) {
      for (const ids of batchesOf(idsOf(await findPutOff(db)))) {
        repaired.hurried.push(...idsOf(await stopPuttingOff(db, ids)))
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

const endedEarly = ({ asked_again: asked, hurried }: Repaired, error: Error): string =>
  `the repair ended early, after ${counted(asked.length, 'order')} asked for again and ` +
  `${counted(hurried.length, 'event')} hurried: ${sentenceOf(error)}`

/**
 * As orders-consumer does it when it has waited long enough, which it does not do for an operator who
 * does not want to wait. Returns those that were still pending, and in nobody's hands.
 */
const askAgain = (orders: Books['orders'], orderIds: string[]): Promise<string[]> =>
  orders.transaction().execute(async (trx) => {
    const pending = await claimPending(trx, orderIds)
    const time = new Date()
    const events = pending.map(({ status, ...data }) =>
      createEvent({ type: requestOf(status), data }, { id: randomUUIDv7(), time }),
    )
    await appendEvents(trx, events)
    await noteAsked(
      trx,
      events.map(({ id, subject }) => ({ orderId: subject, requestId: id })),
    )
    return pending.map(({ order_id }) => order_id)
  })
