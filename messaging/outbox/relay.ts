import { backoffMs } from '#chassis/backoff.ts'
import type { Database } from '#chassis/database/connect.ts'
import type { Logger } from '#chassis/logger.ts'
import { Outage } from '#chassis/outage.ts'
import { pause } from '#chassis/pause.ts'
import { throttledLog } from '#chassis/throttled-log.ts'
import type { Published } from '../broker/confirm-tracker.ts'
import type { OutgoingMessage } from '../broker/outgoing-message.ts'
import type { Publisher } from '../broker/publisher.ts'
import { eventContentType } from '../broker/shared-message.ts'
import type { Lane, Loop } from '../loop.ts'
import type { Observer } from '../observer.ts'
import type { Sign } from '../signatures/signature.ts'
import type { MessagingDatabase } from '../tables.ts'
import { type EventTracing, noEventTracing, type SentEvents } from '../tracing.ts'
import type { RelayNotification } from './relay-notification.ts'
import {
  type ClaimedEvent,
  claimEvents,
  hasDueEvents,
  hasDueEventsProbing,
  markFailed,
  markPublished,
} from './rows.ts'

export interface Relay {
  db: Database<MessagingDatabase>
  publisher: Pick<Publisher, 'publishAll' | 'whenReady'>
  /** Where an event of a type goes. */
  routes: Readonly<Record<string, { exchange: string; routingKey: string }>>
  batchSize: number
  /** How long the broker may take to confirm a batch; the claim's transaction is open that long. */
  deadlineMs: number
  logger: Logger
  /** Logs events that were not published, of any number of turns. */
  reportFailed?: ReturnType<typeof throttledLog>
  broker?: SentEvents['broker']
  /** Signs each event; without this, none is signed. */
  sign?: Sign | undefined
  tracing?: EventTracing | undefined
}

export interface Turn {
  claimed: number
  published: number
  /** Counted, and delayed. */
  failed: number
  /** Left as they were: the connection was lost before the broker answered. */
  unknown: number
}

/**
 * One turn: claims a batch of due rows, publishes their events, and marks them. Returns the
 * numbers.
 *
 * Events are marked only when the broker has confirmed and routed them, and the transaction holds
 * their locks meanwhile: a crash in between publishes twice, never not at all. A failed event is
 * counted and delayed, longer each time, so that it never holds up its neighbours. An event whose
 * outcome is unknown, since the connection was lost, is left as it is, and published on the next
 * connection.
 */
export async function relayOnce(relay: Relay): Promise<Turn> {
  return relay.db.transaction().execute(async (trx) => {
    const events = await claimEvents(trx, relay.batchSize)
    if (events.length === 0) return { claimed: 0, published: 0, failed: 0, unknown: 0 }

    const { confirmed, failed, unknown } = await publish(relay, events)
    if (confirmed.length > 0) await markPublished(trx, confirmed)
    if (failed.length > 0) await markFailed(trx, withDelays(failed, events))
    if (failed.length > 0) relay.reportFailed?.(failed.length, summaryOf(failed))
    return {
      claimed: events.length,
      published: confirmed.length,
      failed: failed.length,
      unknown: unknown.length,
    }
  })
}

type FailedEvent = Pick<Published['failed'][number], 'id' | 'error'>

/** One line for all of a turn: each row keeps its own error. */
const summaryOf = (failed: FailedEvent[]) => ({
  event_ids: failed.slice(0, 10).map(({ id }) => id),
  error: failed[0]?.error,
})

/**
 * Loops until told to stop: claims nothing while the broker is away or blocked; while no row is
 * due, sleeps until a NOTIFY, or until the poll (`idleMs`) finds due rows. After a full claim,
 * `concurrency` turns run at the same time, so that the next claim overlaps the confirms of the
 * last one.
 */
export async function relayLoop(relay: RunningRelay, signal: AbortSignal): Promise<void> {
  const { outage, observer, loop } = relay
  const lane = loop.lane()
  let failures = 0
  while (!signal.aborted) {
    try {
      await drain(relay, lane, signal)
      failures = 0
      outage.over()
      await untilDue(relay, lane, signal)
    } catch (error) {
      outage.failed(error)
      observer?.turnFailed?.(error)
      await pause(backoffMs(failures++), signal)
    }
  }
}

export interface RunningRelay extends Relay {
  relayNotification: RelayNotification
  idleMs: number
  concurrency: number
  outage: Outage
  loop: Loop
  observer?: Pick<Observer, 'turnFailed'>
}

/** One line a minute at most: an event that no queue takes fails at each attempt. */
export const failedReport = (logger: Logger) =>
  throttledLog((details) => logger.warn(details, 'not published, will be tried again'))

export const relayingOutage = (logger: Logger) => new Outage({ logger, what: 'relaying failed' })

/** Most polls find nothing: each is one statement, without a transaction. */
async function untilDue(
  { db, relayNotification, idleMs }: RunningRelay,
  lane: Lane,
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    const isNotified = await relayNotification.wait(idleMs, signal)
    if (isNotified || signal.aborted || (await poll(db, relayNotification.probe))) return
    lane.turned()
  }
}

/**
 * Whether a row is due; sends a probe in the same statement, unless no notification can be sent
 * now.
 */
function poll(db: Relay['db'], probe: RelayNotification['probe']): Promise<boolean> {
  return hasDueEventsProbing(db, { channel: probe.channel, payload: probe.next() }).catch(() => {
    probe.withdraw()
    return hasDueEvents(db)
  })
}

/** Runs turns until nothing is due: one first, then several at a time if its claim was full. */
async function drain(relay: RunningRelay, lane: Lane, signal: AbortSignal): Promise<void> {
  /** Whether another turn may find something. */
  const runTurn = async (own: Lane) => {
    await own.idle(relay.publisher.whenReady(signal)) // away or blocked: no fault of the relay
    if (signal.aborted) return false
    const { claimed, unknown } = await relayOnce(relay)
    own.turned()
    return claimed === relay.batchSize || unknown > 0
  }
  if (!(await runTurn(lane))) return
  const turns = async () => {
    const own = relay.loop.lane()
    try {
      while (await runTurn(own));
    } finally {
      own.end()
    }
  }
  const running = Promise.allSettled(Array.from({ length: relay.concurrency }, turns))
  const ends = await lane.idle(running)
  for (const end of ends) if (end.status === 'rejected') throw end.reason
}

/**
 * An event that failed goes alone afterwards, so that it does not take neighbours along.
 */
async function publish(relay: Relay, events: ClaimedEvent[]) {
  const { publisher, routes, deadlineMs, broker, sign, tracing = noEventTracing } = relay
  const relayedAt = new Date().toISOString()
  const messages: OutgoingMessage[] = []
  const unroutable: FailedEvent[] = []
  for (const { event_id, event_type, payload, publish_attempts } of events) {
    const route = routes[event_type]
    if (!route) {
      unroutable.push({ id: event_id, error: `no route for events of type ${event_type}` })
      continue
    }
    const content = Buffer.from(payload)
    messages.push({
      id: event_id,
      type: event_type,
      ...route,
      contentType: eventContentType,
      content,
      headers: { 'relayed-at': relayedAt, ...sign?.(content, route.exchange) },
      mayShare: publish_attempts === 0,
    })
  }
  const published = await tracing.send({ messages, broker }, () =>
    publisher.publishAll(messages, deadlineMs),
  )
  return { ...published, failed: [...unroutable, ...published.failed] }
}

/** Sorted by id, as all multi-row writes are; a minute at most between two attempts. */
function withDelays(failed: FailedEvent[], events: ClaimedEvent[]) {
  const attempts = new Map(events.map((event) => [event.event_id, event.publish_attempts]))
  return failed
    .map(({ id, error }) => ({
      id,
      error,
      retryAfterMs: backoffMs(attempts.get(id) ?? 0, { baseMs: 200, maxMs: 60_000 }),
    }))
    .sort((a, b) => (a.id < b.id ? -1 : 1))
}
