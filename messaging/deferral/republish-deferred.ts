import { backoffMs } from '#chassis/backoff.ts'
import type { Database } from '#chassis/database/connect.ts'
import type { Outage } from '#chassis/outage.ts'
import { pause } from '#chassis/pause.ts'
import type { Published } from '../broker/confirm-tracker.ts'
import type { Publisher } from '../broker/publisher.ts'
import type { Lane } from '../loop.ts'
import { messageIdOf, returningMessage } from './deferred-message.ts'
import type { RowLocks } from './row-locks.ts'
import { claimDeferred, type DeferredEvent, deleteDeferred, readWaitedFor } from './rows.ts'

export interface Deferral<Tables, Event> {
  db: Database<Tables>
  queue: string
  rowLocks: RowLocks<Tables, Event>
  publisher: Pick<Publisher, 'publishAll' | 'whenReady'>
  lane: Lane
}

/** Most messages of one turn, each of 64 KiB at most. */
const batchSize = 200
const pollMs = 500
/**
 * Poll interval while this process knows of no locked row: a process that knew of one may have
 * died.
 */
const idleMs = 2_500
const confirmMs = 3_000

/**
 * Publishes deferred events to their queue again, until told to stop: a turn twice a second while
 * any event waits, and the next turn at once after a full one. While none waits, this costs a query
 * every `idleMs`.
 */
export async function republishDeferred<Tables, Event>(
  deferral: Deferral<Tables, Event>,
  outage: Outage,
  signal: AbortSignal,
): Promise<void> {
  let failures = 0
  while (!signal.aborted) {
    try {
      const { waiting, republished, failed } = await republishOnce(deferral, signal)
      if (failed[0]) throw new Error(failed[0].error)
      failures = 0
      outage.over()
      deferral.lane.turned()
      if (republished < batchSize) await pauseUntilDue(deferral, waiting, signal)
    } catch (error) {
      if (!signal.aborted) outage.failed(error)
      await pause(backoffMs(failures++), signal)
    }
  }
}

/** Until `idleMs` are over, or this process has met a locked row. */
async function pauseUntilDue<Tables, Event>(
  { rowLocks }: Deferral<Tables, Event>,
  waiting: number,
  signal: AbortSignal,
): Promise<void> {
  const endMs = performance.now() + idleMs
  do await pause(pollMs, signal)
  while (
    !signal.aborted &&
    waiting === 0 &&
    rowLocks.lockedLately().length === 0 &&
    performance.now() < endMs
  )
}

/**
 * The result of a turn: rows that are waited for, events that were published, and events that the
 * broker refused.
 */
type Turn = { waiting: number; republished: number; failed: Published['failed'] }

/**
 * One turn: publishes the events whose rows are free now to their queue, and deletes them when the
 * broker has confirmed: they may come twice, never not at all, and the inbox finds duplicates.
 */
export async function republishOnce<Tables, Event>(
  deferral: Deferral<Tables, Event>,
  signal: AbortSignal,
): Promise<Turn> {
  const { db, rowLocks, publisher, lane } = deferral
  const nothing = (waiting: number): Turn => ({ waiting, republished: 0, failed: [] })
  const keys = [...new Set([...(await readWaitedFor(db)), ...rowLocks.lockedLately()])]
  if (keys.length === 0) return nothing(0)
  const locked = await db.transaction().execute((trx) => rowLocks.lockOrSkip(trx, keys))
  const free = keys.filter((key) => !locked.has(key))
  if (free.length === 0) return nothing(keys.length)
  await lane.idle(publisher.whenReady(signal))
  if (signal.aborted) return nothing(keys.length)
  return db.transaction().execute(async (trx) => {
    const events = await claimDeferred(trx, free, batchSize)
    if (events.length === 0) return nothing(keys.length)
    const byId = new Map(events.map((event) => [messageIdOf(event), event])) // of two, one waits
    const { confirmed, failed } = await publish(deferral, [...byId.values()])
    const ids = confirmed.flatMap((id) => byId.get(id)?.deferred_id ?? [])
    await deleteDeferred(trx, ids)
    return { waiting: keys.length, republished: confirmed.length, failed }
  })
}

/**
 * A message that the broker refuses is published once more, without the headers and properties of
 * its sender.
 */
async function publish<Tables, Event>(
  { queue, publisher }: Deferral<Tables, Event>,
  events: DeferredEvent[],
): Promise<Pick<Published, 'confirmed' | 'failed'>> {
  const send = (some: DeferredEvent[], asItCame: boolean) =>
    publisher.publishAll(
      some.map((event) => returningMessage(queue, event, asItCame)),
      confirmMs,
    )
  const first = await send(events, true)
  if (first.failed.length === 0) return first
  const refused = new Set(first.failed.map(({ id }) => id))
  const second = await send(
    events.filter((event) => refused.has(messageIdOf(event))),
    false,
  )
  return { confirmed: [...first.confirmed, ...second.confirmed], failed: second.failed }
}
