import { randomUUIDv7 } from 'node:crypto'
import { backoffMs } from '#chassis/backoff.ts'
import { integer } from '#chassis/config.ts'
import type { Database } from '#chassis/database/connect.ts'
import type { Service } from '#chassis/lifecycle.ts'
import type { Logger } from '#chassis/logger.ts'
import { Outage } from '#chassis/outage.ts'
import { pause } from '#chassis/pause.ts'
import { createEvent } from '#contracts/events.ts'
import { requestOf } from '#contracts/order-states.ts'
import { appendEvents, relayWaker } from '#messaging/index.ts'
import type { OrdersDatabase } from '#tables/orders.ts'
import { isOverdue, waitsFromMs } from './ask-again.ts'
import { claimUnanswered, findUnanswered, type Position, setAsked } from './rows.ts'

export interface AskAgain {
  db: Database<OrdersDatabase>
  logger: Logger
  /** How long an order waits for its answer before it is asked for again; 0: for ever. */
  askAgainAfterMs: number
  /** Called after a commit that left something in the outbox. */
  wakeRelay: () => void
  /** Of turns that fail. */
  outage?: Outage
}

export const askingVariables = {
  askAgainAfterMs: integer('ASK_AGAIN_AFTER_MS', { max: 86_400_000, fallback: 30_000 }),
}

/** Most orders of one turn. */
const batchSize = 1_000
const idleMs = 1_000

/** What a turn did. */
export interface AskingTurn {
  asked: number
  /** Where the next turn goes on; undefined: this one saw the last of the orders that wait. */
  next: Position | undefined
}

/**
 * Looks at the next orders after a position that have waited too long, and asks again for the payment
 * of those whose request has been with the broker for as long. The others are left as they are: while
 * the relay or the broker is away, however many wait, nothing is written.
 *
 * A confirm is no proof of delivery, and a broker can lose its disk: this heals what no outbox can
 * see. The request has a new event id; Payments repeats the outcome it has recorded, if any.
 */
export async function askOnce(asking: AskAgain, after?: Position): Promise<AskingTurn> {
  const { db, logger, askAgainAfterMs: afterMs, wakeRelay } = asking
  const waiting = await findUnanswered(db, { after, afterMs, limit: batchSize })
  const overdue = waiting.filter((request) => isOverdue(request, afterMs))
  const ids = overdue.map(({ order_id }) => order_id)
  const asked = ids.length > 0 ? await askAgain(asking, ids) : []
  if (asked.length > 0) {
    wakeRelay()
    const { length: count } = asked
    logger.warn({ count, order_ids: asked.slice(0, 10) }, 'no answer came: asked again')
  }
  return { asked: asked.length, next: waiting.length < batchSize ? undefined : waiting.at(-1) }
}

/** One transaction; the ids of those that were asked for. */
const askAgain = ({ db, askAgainAfterMs: afterMs }: AskAgain, orderIds: string[]) =>
  db.transaction().execute(async (trx) => {
    const orders = await claimUnanswered(trx, orderIds, afterMs)
    const time = new Date()
    const asked = orders
      .filter((order) => isOverdue(order, afterMs))
      .map(({ order_id, user_id, amount, status, times_asked }) => {
        const fact = { type: requestOf(status), data: { order_id, user_id, amount } }
        const event = createEvent(fact, { id: randomUUIDv7(), time })
        const fromMs = waitsFromMs(times_asked, afterMs)
        return { orderId: order_id, requestId: event.id, waitsFromMs: fromMs, event }
      })
    if (asked.length > 0) await setAsked(trx, asked)
    const events = asked.map(({ event }) => event)
    await appendEvents(trx, events)
    return asked.map(({ orderId }) => orderId)
  })

/**
 * Goes through the orders that wait, again and again, until told to stop: one turn each second, and
 * at once again after one that had to ask.
 */
export async function runAsking(asking: AskAgain, signal: AbortSignal): Promise<void> {
  if (asking.askAgainAfterMs === 0) return
  const outage = asking.outage ?? askingOutage(asking.logger)
  let position: Position | undefined
  for (let failures = 0; !signal.aborted; ) {
    try {
      const { asked, next } = await askOnce(asking, position)
      position = next
      failures = 0
      outage.over()
      if (asked === 0 || !next) await pause(idleMs, signal)
    } catch (error) {
      outage.failed(error)
      await pause(backoffMs(failures++), signal)
    }
  }
}

export const askingOutage = (logger: Logger) => new Outage({ logger, what: 'asking again failed' })

/** As a part of a process, whose health says when it fails. */
export function askAgainUntilStopped(
  db: Database<OrdersDatabase>,
  { config, logger, health, signal }: Service<Pick<AskAgain, 'askAgainAfterMs'>>,
): Promise<void> {
  const outage = askingOutage(logger)
  health.check('asking again', () => outage.assertOver())
  const { askAgainAfterMs } = config
  return runAsking(
    { db, logger, askAgainAfterMs, outage, wakeRelay: relayWaker(db, logger) },
    signal,
  )
}
