import { pause } from '#chassis/pause.ts'
import type { Delivery } from '../broker/consumer.ts'
import type { Lane } from '../loop.ts'
import { type AttemptedDeadLetter, writeDeadLetter } from './dead-letter.ts'
import { decodeDelivery } from './decode.ts'
import type { DeliveryBuffer } from './delivery-buffer.ts'
import { isLocked } from './handle-events.ts'
import { processBatch, type WithCountedStart } from './process-batch.ts'
import {
  type Attempts,
  firstRedelivery,
  isCrashLoop,
  nextOf,
  type Quarantined,
  quietPeriodMs,
} from './quarantine-policy.ts'
import { retryWhileUnavailable } from './retry.ts'
import { readAttempts, recordStart, revertStart } from './rows.ts'
import type { Consumer, EventResult, IncomingEvent } from './types.ts'

interface QuarantinedMessage extends Quarantined {
  delivery: Delivery
  /** Undefined for a message that is no event; it is dead-lettered without being tried. */
  eventId: string | undefined
}

/**
 * Handles redelivered and failed messages, one at a time, until told to stop. A start is counted
 * before each, so that a message which crashes its consumer is told from its neighbours, is handled
 * after them, and is dead-lettered after the third crash. A start is uncounted if the database was
 * unavailable or a row was locked: if the process dies meanwhile, the message is not the cause.
 */
export async function handleQuarantined<Tables, Event extends IncomingEvent>(
  consumer: Consumer<Tables, Event>,
  arrivals: DeliveryBuffer<Delivery>,
  lane: Lane,
): Promise<void> {
  const { signal } = consumer
  let waiting: QuarantinedMessage[] = []
  let lastMs = Number.NEGATIVE_INFINITY
  while (!signal.aborted) {
    waiting.push(...(await withAttempts(consumer, arrivals.takeAll())))
    waiting = waiting.filter(({ delivery }) => !delivery.isLost())
    const next = nextOf(waiting, performance.now(), lastMs)
    if (next) {
      waiting.splice(waiting.indexOf(next), 1)
      await handleAlone(consumer, next)
      lastMs = performance.now()
    } else if (waiting.length > 0) await pause(quietPeriodMs, signal)
    else await lane.idle(arrivals.untilAny(signal))
    lane.turned()
  }
  for (const { delivery } of waiting) delivery.requeue()
}

async function handleAlone<Tables, Event extends IncomingEvent>(
  consumer: Consumer<Tables, Event>,
  { delivery, eventId, attempts }: QuarantinedMessage,
): Promise<void> {
  if (eventId === undefined) return processBatch(consumer, [delivery])
  if (isCrashLoop(attempts)) {
    return consumer.background.run(
      writeDeadLetter(consumer, delivery, crashLoop(eventId, attempts)),
    )
  }
  const { db } = consumer
  // If this fails, the start stays counted, as after a crash.
  const revert = () => revertStart(db, eventId, attempts).catch(() => {})
  const withCountedStart: WithCountedStart = async (handle) => {
    await recordStart(db, eventId, attempts)
    try {
      const results = await handle()
      if (hasOnlyWaited(results.get(eventId))) await revert()
      return results
    } catch (error) {
      await revert()
      throw error
    }
  }
  await processBatch(consumer, [delivery], withCountedStart)
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
    const attempts = known.get(message.eventId ?? '') ?? firstRedelivery
    return { ...message, attempts, sinceMs }
  })
}
