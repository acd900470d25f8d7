import { randomUUIDv7 } from 'node:crypto'
import { backoffMs } from '#chassis/backoff.ts'
import type { Database } from '#chassis/database/connect.ts'
import type { Logger } from '#chassis/logger.ts'
import { appendEvents } from '#chassis/outbox/append.ts'
import { pause } from '#chassis/pause.ts'
import { createEvent } from '#contracts/events.ts'
import type { OrdersDatabase } from '#tables/orders.ts'
import { askAgain } from './ask-again.ts'
import { type Asking, claimUnanswered, hasUnanswered, setWaiting } from './rows.ts'

export interface AskAgain {
  db: Database<OrdersDatabase>
  logger: Logger
  /** How long an order waits for its answer before it is asked for again; 0: for ever. */
  askAgainAfterMs: number
  /** Called after a commit that left something in the outbox. */
  wakeRelay: () => void
}

/** Most orders of one turn. */
const batchSize = 500
const idleMs = 1_000

/**
 * Asks again for the payment of orders that have waited too long, and says of how many orders it
 * thought and for how many it asked.
 *
 * A confirm is no proof of delivery, and a broker can lose its disk: this heals what no outbox can
 * see. The request has a new event id; Payments repeats the outcome it has recorded, if any.
 */
export async function askOnce({ db, logger, askAgainAfterMs, wakeRelay }: AskAgain) {
  const turn = await db.transaction().execute(async (trx) => {
    const orders = await claimUnanswered(trx, askAgainAfterMs, batchSize)
    const time = new Date()
    const askings = orders.map((order): Asking & { event?: ReturnType<typeof createEvent> } => {
      const { kind, waitsFromMs } = askAgain(order, askAgainAfterMs)
      const { order_id, user_id, amount } = order
      if (kind === 'wait') return { orderId: order_id, requestId: null, waitsFromMs }
      const fact = { type: 'PaymentRequested', data: { order_id, user_id, amount } } as const
      const event = createEvent(fact, { id: randomUUIDv7(), time })
      return { orderId: order_id, requestId: event.id, waitsFromMs, event }
    })
    if (askings.length > 0) await setWaiting(trx, askings)
    const events = askings.flatMap(({ event }) => event ?? [])
    await appendEvents(trx, events)
    return { considered: orders.length, asked: events.map(({ subject }) => subject) }
  })
  if (turn.asked.length > 0) {
    wakeRelay()
    const { length: count } = turn.asked
    logger.warn({ count, order_ids: turn.asked.slice(0, 10) }, 'no answer came: asked again')
  }
  return { considered: turn.considered, asked: turn.asked.length }
}

/**
 * Looks every second until told to stop, and at once again while there is more than one turn does. A
 * look is one statement without a transaction: most find nothing.
 */
export async function runAsking(asking: AskAgain, signal: AbortSignal): Promise<void> {
  if (asking.askAgainAfterMs === 0) return
  let failures = 0
  while (!signal.aborted) {
    try {
      const isDue = await hasUnanswered(asking.db, asking.askAgainAfterMs)
      const considered = isDue ? (await askOnce(asking)).considered : 0
      failures = 0
      if (considered < batchSize) await pause(idleMs, signal)
    } catch (error) {
      if (failures === 0) asking.logger.error({ err: error }, 'asking again failed, will retry')
      await pause(backoffMs(failures++), signal)
    }
  }
}
