import { backoffMs } from '../backoff.ts'
import type { OutgoingMessage, Published } from '../broker/confirm-window.ts'
import type { Delivery } from '../broker/consumer.ts'
import type { Publisher } from '../broker/publisher.ts'
import { resendable, shortString } from '../broker/short-string.ts'
import type { Database } from '../database/connect.ts'
import type { Outage } from '../outage.ts'
import { pause } from '../pause.ts'
import {
  claimDeferred,
  type DeferredEvent,
  type DeferredProperties,
  deleteDeferred,
  type NewDeferredEvent,
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
const idleMs = 500
const confirmMs = 3_000

/** Headers of strangers that are larger than this, as JSON, are left out. */
const maxHeaderLength = 16_384

/** What is kept of a message that is put aside. */
export function deferredMessage(
  delivery: Delivery,
): Pick<NewDeferredEvent, 'properties' | 'content'> {
  const { messageId, exchange, routingKey, content } = delivery
  const { headers: _, ...properties } = resendable(delivery.properties)
  const isTooLarge = JSON.stringify(delivery.headers).length > maxHeaderLength
  const headers = isTooLarge ? {} : delivery.headers
  return { properties: { messageId, properties, headers, exchange, routingKey }, content }
}

/** Twice a second until told to stop, and at once again while there is more than one turn does. */
export async function runReturning<Tables extends WithDeferred, Event>(
  returning: Returning<Tables, Event>,
  outage: Outage,
  signal: AbortSignal,
): Promise<void> {
  let failures = 0
  while (!signal.aborted) {
    try {
      const { returned, failed } = await returnOnce(returning, signal)
      if (failed[0]) throw new Error(failed[0].error)
      failures = 0
      outage.over()
      if (returned < batchSize) await pause(idleMs, signal)
    } catch (error) {
      if (!signal.aborted) outage.failed(error)
      await pause(backoffMs(failures++), signal)
    }
  }
}

/** What a turn did: how many messages it returned, and which the broker did not take. */
type Turn = { returned: number; failed: Published['failed'] }

/**
 * Sends to their queue again what has waited for rows that are free now. They are
 * deleted when the broker has them: they may come twice, never not at all, and the inbox tells.
 */
export async function returnOnce<Tables extends WithDeferred, Event>(
  { db, queue, rowLocks, publisher }: Returning<Tables, Event>,
  signal: AbortSignal,
): Promise<Turn> {
  const nothing: Turn = { returned: 0, failed: [] }
  const deferred = db as unknown as Database<WithDeferred>
  const keys = [...new Set([...(await readWaitedFor(deferred)), ...rowLocks.known()])]
  if (keys.length === 0) return nothing
  const locked = await db.transaction().execute((trx) => rowLocks.lockOrSkip(trx, keys))
  const free = keys.filter((key) => !locked.has(key))
  if (free.length === 0) return nothing
  await publisher.whenReady(signal)
  if (signal.aborted) return nothing
  return deferred.transaction().execute(async (trx) => {
    const events = await claimDeferred(trx, free, batchSize)
    if (events.length === 0) return nothing
    const byId = new Map(events.map((event) => [messageIdOf(event), event]))
    const messages = [...byId].map(([id, event]) => messageTo(queue, id, event))
    const { confirmed, failed } = await publisher.publishAll(messages, confirmMs)
    const ids = confirmed.flatMap((id) => byId.get(id)?.deferred_id ?? [])
    await deleteDeferred(trx, ids)
    return { returned: confirmed.length, failed }
  })
}

const propertiesOf = ({ properties }: DeferredEvent): DeferredProperties =>
  JSON.parse(properties, (_, value) => (value?.type === 'Buffer' ? Buffer.from(value) : value))

/** Of two with the same id, one waits for the next turn. */
const messageIdOf = (event: DeferredEvent) => propertiesOf(event).messageId ?? event.event_id

/** What the broker adds, and what it sends copies of a message to more queues by. */
const brokerHeaders = /^(x-delivery-count|x-acquired-count|B?CC)$/

/** The message as it came. */
function messageTo(queue: string, id: string, event: DeferredEvent): OutgoingMessage {
  const { properties, headers, exchange, routingKey } = propertiesOf(event)
  const kept = Object.entries(headers).filter(([name]) => !brokerHeaders.test(name))
  const origin = exchange !== '' && {
    'original-exchange': exchange,
    'original-routing-key': routingKey,
  }
  return {
    ...{ id: shortString(id), properties, content: event.content },
    ...{ exchange: '', routingKey: queue, headers: { ...Object.fromEntries(kept), ...origin } },
  }
}
