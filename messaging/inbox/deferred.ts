import { backoffMs } from '#chassis/backoff.ts'
import type { Database } from '#chassis/database/connect.ts'
import type { Outage } from '#chassis/outage.ts'
import { pause } from '#chassis/pause.ts'
import type { Published } from '../broker/confirm-window.ts'
import type { Publisher } from '../broker/publisher.ts'
import { messageIdOf, returningMessage } from './deferred-message.ts'
import {
  claimDeferred,
  type DeferredEvent,
  deleteDeferred,
  readWaitedFor,
  type WithDeferred,
} from './deferred-rows.ts'
import type { RowLocks } from './row-locks.ts'

export interface Returning<Tables extends WithDeferred, Event> {
  db: Database<Tables>
  queue: string
  rowLocks: RowLocks<Tables, Event>
  publisher: Pick<Publisher, 'publishAll' | 'whenReady'>
}

/** Most messages of one turn, of 64 KiB each. */
const batchSize = 200
const pollMs = 500
/** So often one looks who knows of nothing that waits: another may have died that did. */
const idleMs = 2_500
const confirmMs = 3_000

/**
 * Until told to stop: twice a second while something waits, and at once again while there is more than
 * one turn does. As long as nothing waits it costs a look every `idleMs`.
 */
export async function runReturning<Tables extends WithDeferred, Event>(
  returning: Returning<Tables, Event>,
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

/** Not as long as `idleMs` once somebody in this process has met a locked row. */
async function pauseUntilDue<Tables extends WithDeferred, Event>(
  { rowLocks }: Returning<Tables, Event>,
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

/** What a turn did: how many rows are waited for, how many messages it returned, and which the broker did not take. */
type Turn = { waiting: number; returned: number; failed: Published['failed'] }

/**
 * Sends to their queue again what has waited for rows that are free now. They are
 * deleted when the broker has them: they may come twice, never not at all, and the inbox tells.
 */
export async function returnOnce<Tables extends WithDeferred, Event>(
  returning: Returning<Tables, Event>,
  signal: AbortSignal,
): Promise<Turn> {
  const { db, rowLocks, publisher } = returning
  const nothing = (waiting: number): Turn => ({ waiting, returned: 0, failed: [] })
  const deferred = db as unknown as Database<WithDeferred>
  const keys = [...new Set([...(await readWaitedFor(deferred)), ...rowLocks.known()])]
  if (keys.length === 0) return nothing(0)
  const locked = await db.transaction().execute((trx) => rowLocks.lockOrSkip(trx, keys))
  const free = keys.filter((key) => !locked.has(key))
  if (free.length === 0) return nothing(keys.length)
  await publisher.whenReady(signal)
  if (signal.aborted) return nothing(keys.length)
  return deferred.transaction().execute(async (trx) => {
    const events = await claimDeferred(trx, free, batchSize)
    if (events.length === 0) return nothing(keys.length)
    const byId = new Map(events.map((event) => [messageIdOf(event), event])) // of two, one waits
    const { confirmed, failed } = await publish(returning, [...byId.values()])
    const ids = confirmed.flatMap((id) => byId.get(id)?.deferred_id ?? [])
    await deleteDeferred(trx, ids)
    return { waiting: keys.length, returned: confirmed.length, failed }
  })
}

/** What the broker refuses at first is sent without what strangers wrote on it. */
async function publish<Tables extends WithDeferred, Event>(
  { queue, publisher }: Returning<Tables, Event>,
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
