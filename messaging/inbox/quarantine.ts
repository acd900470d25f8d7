import type { Database } from '#chassis/database/connect.ts'
import { pause } from '#chassis/pause.ts'
import type { Delivery } from '../broker/consumer.ts'
import type { Lane } from '../loop.ts'
import { type AttemptedDeadLetter, writeDeadLetter } from './dead-letter.ts'
import { decodeDelivery } from './decode.ts'
import type { DeliveryBuffer } from './delivery-buffer.ts'
import { isLocked } from './handle-events.ts'
import { processBatch, type WithCountedStarts } from './process-batch.ts'
import {
  type Attempts,
  isCrashLoop,
  nextOf,
  type Quarantined,
  quietPeriodMs,
  untried,
} from './quarantine-policy.ts'
import { retryWhileUnavailable } from './retry.ts'
import { readAttempts, recordStarts, revertAllStarts, revertStarts } from './rows.ts'
import type { Consumer, EventResult, IncomingEvent } from './types.ts'

interface QuarantinedMessage extends Quarantined {
  delivery: Delivery
  /** Undefined for a message that is no event; it is dead-lettered without being tried. */
  eventId: string | undefined
}

/**
 * Handles redelivered and failed messages, until told to stop: those that come back for the first
 * time together, and one at a time what was tried before. Starts are counted before, so that a
 * message which crashes its consumer is told from its neighbours, is handled after them, and is
 * dead-lettered after the third start without an end. A start is uncounted if the database was
 * unavailable or a row was locked: if the process dies meanwhile, the message is not the cause.
 * After an outage of the database all starts are uncounted: a consumer that died in the outage
 * could not uncount its own.
 */
export async function handleQuarantined<Tables, Event extends IncomingEvent>(
  consumer: Consumer<Tables, Event>,
  arrivals: DeliveryBuffer<Delivery>,
  lane: Lane,
): Promise<void> {
  const { signal, outages } = consumer
  let waiting: QuarantinedMessage[] = []
  let outagesBefore = 0
  let lastMs = Number.NEGATIVE_INFINITY
  while (!signal.aborted) {
    waiting.push(...(await withAttempts(consumer, arrivals.takeAll())))
    if (outages.database.count > outagesBefore) {
      outagesBefore = outages.database.count
      waiting = await afterOutage(consumer, waiting)
    }
    waiting = waiting.filter(({ delivery }) => !delivery.isLost())
    const next = new Set(nextOf(waiting, performance.now(), lastMs))
    if (next.size > 0) {
      waiting = waiting.filter((message) => !next.has(message))
      await handleNext(consumer, [...next])
      lastMs = performance.now()
    } else if (waiting.length > 0) await pause(quietPeriodMs, signal)
    else await lane.idle(arrivals.untilAny(signal))
    lane.turned()
  }
  for (const { delivery } of waiting) delivery.requeue()
}

async function handleNext<Tables, Event extends IncomingEvent>(
  consumer: Consumer<Tables, Event>,
  messages: QuarantinedMessage[],
): Promise<void> {
  const [first] = messages
  if (first?.eventId && isCrashLoop(first.attempts)) {
    const letter = crashLoop(first.eventId, first.attempts)
    return consumer.background.run(writeDeadLetter(consumer, first.delivery, letter))
  }
  const before = new Map(
    messages.flatMap(({ eventId, attempts }) => (eventId ? [[eventId, attempts]] : [])),
  )
  const deliveries = messages.map(({ delivery }) => delivery)
  const withCountedStarts = before.size > 0 ? countingStarts(consumer.db, before) : undefined
  await processBatch(consumer, deliveries, withCountedStarts)
}

/** Counts a start of these events, whose attempts were these before. */
const countingStarts =
  <Tables>(db: Database<Tables>, before: ReadonlyMap<string, Attempts>): WithCountedStarts =>
  async (handle) => {
    // If this fails, the starts stay counted, as after a crash.
    const revert = (isToRevert = (_id: string) => true) =>
      revertStarts(db, new Map([...before].filter(([id]) => isToRevert(id)))).catch(() => {})
    await recordStarts(db, before)
    try {
      const results = await handle()
      const hasWaited = (id: string) => hasOnlyWaited(results.get(id))
      if ([...before.keys()].some(hasWaited)) await revert(hasWaited)
      return results
    } catch (error) {
      await revert()
      throw error
    }
  }

/** Whether the event only met a lock of another transaction. */
const hasOnlyWaited = (result: EventResult | undefined): boolean =>
  result?.kind === 'retry' && isLocked(result.error)

const crashLoop = (eventId: string, { started }: Attempts): AttemptedDeadLetter => ({
  kind: 'dead-letter',
  reason: 'consumer-crashed',
  error: `its handling was started ${started} times, and its consumer crashed each time`,
  attempted: { eventId, attempts: started },
})

async function afterOutage<Tables, Event extends IncomingEvent>(
  consumer: Consumer<Tables, Event>,
  waiting: QuarantinedMessage[],
): Promise<QuarantinedMessage[]> {
  const { db, outages, signal } = consumer
  await retryWhileUnavailable(() => revertAllStarts(db), outages.database, signal)
  return withAttempts(
    consumer,
    waiting.map(({ delivery }) => delivery),
  )
}

/**
 * The messages with their counted attempts; none when told to stop before the counts could be read.
 */
async function withAttempts<Tables, Event extends IncomingEvent>(
  consumer: Consumer<Tables, Event>,
  deliveries: Delivery[],
): Promise<QuarantinedMessage[]> {
  const { db, outages, signal } = consumer
  if (deliveries.length === 0) return []
  const messages = deliveries.map((delivery) => {
    const decoded = decodeDelivery(consumer, delivery)
    return { delivery, eventId: decoded.kind === 'event' ? decoded.event.id : undefined }
  })
  const ids = messages.flatMap(({ eventId }) => eventId ?? [])
  const known = await retryWhileUnavailable(() => readAttempts(db, ids), outages.database, signal)
  if (!known) for (const delivery of deliveries) delivery.requeue()
  if (!known) return []
  const sinceMs = performance.now()
  return messages.map((message) => {
    const attempts = known.get(message.eventId ?? '') ?? untried
    return { ...message, attempts, sinceMs }
  })
}
