import { randomUUIDv7 } from 'node:crypto'
import { appendEvents } from '#chassis/outbox/append.ts'
import { createEvent } from '#contracts/events.ts'
import type { Books } from './books.ts'
import type { Finding } from './findings.ts'
import { lockPending, noteAsked, stopPuttingOff } from './repair-rows.ts'

export interface Repaired {
  /** Orders that were asked for again, with a new event in the outbox. */
  asked_again: string[]
  /** Events that the relays try at once instead of later. */
  hurried: string[]
}

/**
 * Repeats what is safe to repeat, and nothing else: Payments answers a second request for an order with
 * the outcome that it has recorded, and a consumer knows an event that comes twice. Money, statuses
 * and the ledger are never touched.
 */
export async function repair({ orders, payments }: Books, findings: Finding[]): Promise<Repaired> {
  const unheard = findings.flatMap(({ kind, stage, order_id }) =>
    kind === 'pending-too-long' && order_id && !stage?.endsWith('unpublished') ? [order_id] : [],
  )
  const asked = unheard.length > 0 ? await askAgain(orders, unheard) : []
  const hurried = [...(await stopPuttingOff(orders)), ...(await stopPuttingOff(payments))]
  return {
    asked_again: asked,
    hurried: hurried.map(({ event_id }) => event_id),
  }
}

/**
 * As orders-consumer does it when it has waited long enough, which it does not do for an operator who
 * does not want to wait. Returns those that were still pending.
 */
const askAgain = (orders: Books['orders'], orderIds: string[]): Promise<string[]> =>
  orders.transaction().execute(async (trx) => {
    const pending = await lockPending(trx, orderIds)
    const time = new Date()
    const events = pending.map((data) =>
      createEvent({ type: 'PaymentRequested', data }, { id: randomUUIDv7(), time }),
    )
    await appendEvents(trx, events)
    await noteAsked(
      trx,
      events.map(({ id, subject }) => ({ orderId: subject, requestId: id })),
    )
    return pending.map(({ order_id }) => order_id)
  })
