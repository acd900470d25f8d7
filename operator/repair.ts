import type { Books } from './books.ts'
import type { Finding } from './findings.ts'
import { stopPuttingOff, stopWaiting } from './repair-rows.ts'

export interface Repaired {
  /** Orders that orders-consumer asks for again at its next look, with a new event. */
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
  const asked = unheard.length > 0 ? await stopWaiting(orders, unheard) : []
  const hurried = [...(await stopPuttingOff(orders)), ...(await stopPuttingOff(payments))]
  return {
    asked_again: asked.map(({ order_id }) => order_id),
    hurried: hurried.map(({ event_id }) => event_id),
  }
}
