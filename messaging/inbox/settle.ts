import { backoffMs } from '#chassis/backoff.ts'
import type { Database } from '#chassis/database/connect.ts'
import { isCode } from '#chassis/errors.ts'
import type { Logger } from '#chassis/logger.ts'
import type { Outage } from '#chassis/outage.ts'
import { pause } from '#chassis/pause.ts'
import type { Delivery } from '../broker/consumer.ts'
import type { Publisher } from '../broker/publisher.ts'
import type { Background } from './background.ts'
import { deadLetterOf } from './dead-letter.ts'
import type { Ending } from './handle.ts'
import type { Pending } from './pending.ts'
import { countFailure, forgetAttempts, type WithInbox } from './rows.ts'

export interface Settling {
  queue: string
  /** Counts the attempts at what does not go well. */
  db: Database<WithInbox>
  /** Dead letters go out on a connection of their own: an alarm that blocks it must not stop acks. */
  deadLetters: Pick<Publisher, 'publishAll' | 'whenReady' | 'reconnect'>
  /** After so many failures of its own, an event is a dead letter. */
  maxAttempts: number
  /** The first wait between them; it grows. */
  retryBaseMs?: number
  logger: Logger
}

/** What settling leaves running: retries that wait, and dead letters on their way. */
export interface Aftermath {
  suspects: Pick<Pending<Delivery>, 'push'>
  background: Background
  /** Of the database, while messages are held that it cannot handle. */
  held: Outage
  /** Of dead letters that cannot be written. */
  parking: Outage
  signal: AbortSignal
}

/** An ending, and for an event parked because of its attempts: what was counted. */
export type Settled = Ending | Parked

type Retry = Extract<Ending, { kind: 'retry' }>
type Parked = Extract<Ending, { kind: 'park' }> & { tried?: { eventId: string; attempts: number } }

/**
 * The one place where an ending becomes an answer to the broker. Resolves when what must be counted
 * is counted: until then a message that has failed looks like one that kills its consumer.
 */
export async function settle(
  settling: Settling,
  delivery: Delivery,
  ending: Settled | undefined,
  aftermath: Aftermath,
): Promise<void> {
  const { background } = aftermath
  switch (ending?.kind) {
    case undefined:
      delivery.requeue()
      break
    case 'handled':
    case 'duplicate':
    case 'deferred':
      delivery.ack()
      break
    case 'park':
      background.run(park(settling, delivery, ending, aftermath))
      break
    case 'retry': {
      const attempts = await countAttempt(settling, ending)
      background.run(retryOrPark(settling, delivery, { ...ending, attempts }, aftermath))
    }
  }
}

/** Tried again by itself, after a wait that grows, or parked when its attempts are used up. */
async function retryOrPark(
  settling: Settling,
  delivery: Delivery,
  { eventId, error, attempts }: Retry & { attempts: number },
  aftermath: Aftermath,
): Promise<void> {
  const { suspects, signal } = aftermath
  const { maxAttempts, retryBaseMs = 200, logger } = settling
  logger.error({ err: error, message_id: delivery.messageId, attempts }, 'event failed')
  if (attempts >= maxAttempts) {
    const why = { reason: 'attempts-exhausted', error: String(error) }
    const parked: Parked = { kind: 'park', ...why, tried: { eventId, attempts } }
    return park(settling, delivery, parked, aftermath)
  }
  await pause(backoffMs(attempts, { baseMs: retryBaseMs, maxMs: 30_000 }), signal)
  if (signal.aborted) delivery.requeue()
  else if (!delivery.isLost()) suspects.push(delivery)
}

/**
 * How often the event has failed by itself. Waiting for somebody else's lock is no failure of the
 * event, and no attempt; nor is one that cannot be counted, which makes it tried once more.
 */
async function countAttempt({ db, logger }: Settling, { eventId, error }: Retry): Promise<number> {
  if (isCode(error, 'locked')) return 0
  try {
    return await countFailure(db, eventId, String(error))
  } catch (fault) {
    logger.warn({ err: fault, event_id: eventId }, 'an attempt could not be counted')
    return 0
  }
}

/** Acknowledged only when the dead letter is confirmed: it may be there twice, never not at all. */
async function park(
  { queue, db, deadLetters, logger }: Settling,
  delivery: Delivery,
  { reason, error, tried }: Parked,
  { parking, signal }: Aftermath,
): Promise<void> {
  const letter = { reason, error, attempts: tried?.attempts ?? 1, at: new Date() }
  let tries = 0
  while (!delivery.isLost() && !signal.aborted) {
    await deadLetters.whenReady(signal)
    const message = deadLetterOf(delivery, queue, letter, tries < headerTries)
    const { confirmed, failed } = await deadLetters.publishAll([message], deadlineMs)
    if (confirmed.length > 0) {
      logger.warn({ message_id: delivery.messageId, reason, error }, 'dead letter')
      parking.over(delivery)
      if (tried) await forgetAttempts(db, [tried.eventId]).catch(() => {}) // only a count
      return delivery.ack()
    }
    if (failed.length === 0) continue // unknown: it goes out on the next connection
    parking.failed(new Error(failed[0]?.error), delivery)
    deadLetters.reconnect() // the dead-letter queue may be gone: declare it anew
    await pause(backoffMs(tries++, { baseMs: 200, maxMs: 10_000 }), signal)
  }
  if (!signal.aborted) parking.over(delivery)
  delivery.requeue()
}

/** So often the message is sent with all headers that it came with; they may be what is in the way. */
const headerTries = 3

const deadlineMs = 3_000
