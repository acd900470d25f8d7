import { backoffMs } from '#chassis/backoff.ts'
import type { Database } from '#chassis/database/connect.ts'
import type { Outage } from '#chassis/outage.ts'
import { pause } from '#chassis/pause.ts'
import type { Published } from '../broker/confirm-window.ts'
import type { Publisher } from '../broker/publisher.ts'
import { messageIdOf, returningMessage } from './deferred-message.ts'
import type { RowLocks } from './row-locks.ts'
import { claimDeferred, type DeferredEvent, deleteDeferred, readWaitedFor } from './rows.ts'

export interface DeferredReturn<Tables, Event> {
  db: Database<Tables>
  queue: string
  rowLocks: RowLocks<Tables, Event>
  publisher: Pick<Publisher, 'publishAll' | 'whenReady'>
}

/** Most messages of one turn, of 64 KiB each. */
const batchSize = 200
const pollMs = 500
/**
 * How often to look while this process knows of no locked row: another process that did may have
 * died.
 */
const idleMs = 2_500
const confirmMs = 3_000

/**
 * Returns deferred events to their queue until told to stop: twice a second while any wait, and at
 * once again while there are more than one turn returns. While none wait, this costs a query every
 * `idleMs`.
 */
export async function runReturn<Tables, Event>(
  returning: DeferredReturn<Tables, Event>,
  outage: Outage,
  signal: AbortSignal,
): Promise<void> {
  let failures = 0
  while (!signal.aborted) {
    try {
      const { waiting, returned, failed } = await returnOnce(returning, signal)
      if (failed[0]) throw new Error(failed[0].error)
      failures = 0
      outage.over()
      if (returned < batchSize) await pauseUntilDue(returning, waiting, signal)
    } catch (error) {
      if (!signal.aborted) outage.failed(error)
      await pause(backoffMs(failures++), signal)
    }
  }
}

/** Until `idleMs` are over, or this process has met a locked row. */
async function pauseUntilDue<Tables, Event>(
  { rowLocks }: DeferredReturn<Tables, Event>,
  waiting: number,
  signal: AbortSignal,
): Promise<void> {
  const endMs = performance.now() + idleMs
  do await pause(pollMs, signal)
  while (
    !signal.aborted &&
    waiting === 0 &&
    rowLocks.known().length === 0 &&
    performance.now() < endMs
  )
}

/**
 * What a turn did: how many rows are waited for, how many events it returned, and which the broker
 * refused.
 */
type Turn = { waiting: number; returned: number; failed: Published['failed'] }

/**
 * Publishes to their queue the events whose rows are free now. They are deleted when the broker has
 * confirmed them: they may come twice, never not at all, and the inbox finds duplicates.
 */
export async function returnOnce<Tables, Event>(
  returning: DeferredReturn<Tables, Event>,
  signal: AbortSignal,
): Promise<Turn> {
  const { db, rowLocks, publisher } = returning
  const nothing = (waiting: number): Turn => ({ waiting, returned: 0, failed: [] })
  const keys = [...new Set([...(await readWaitedFor(db)), ...rowLocks.known()])]
  if (keys.length === 0) return nothing(0)
  const locked = await db.transaction().execute((trx) => rowLocks.lockOrSkip(trx, keys))
  const free = keys.filter((key) => !locked.has(key))
  if (free.length === 0) return nothing(keys.length)
  await publisher.whenReady(signal)
  if (signal.aborted) return nothing(keys.length)
  return db.transaction().execute(async (trx) => {
    const events = await claimDeferred(trx, free, batchSize)
    if (events.length === 0) return nothing(keys.length)
    const byId = new Map(events.map((event) => [messageIdOf(event), event])) // of two, one waits
    const { confirmed, failed } = await publish(returning, [...byId.values()])
    const ids = confirmed.flatMap((id) => byId.get(id)?.deferred_id ?? [])
    await deleteDeferred(trx, ids)
    return { waiting: keys.length, returned: confirmed.length, failed }
  })
}

/**
 * What the broker refuses at first is sent without the headers and properties that strangers wrote.
 */
async function publish<Tables, Event>(
  { queue, publisher }: DeferredReturn<Tables, Event>,
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
