import type { Database } from '#chassis/database/connect.ts'
import type { Delivery } from '../broker/consumer.ts'
import { deferredMessage } from './deferred-message.ts'
import { type Endings, handleEvents, type IncomingEvent } from './handle.ts'
import type { Handling } from './one-transaction.ts'
import type { RowLocks } from './row-locks.ts'
import type { WithInbox } from './rows.ts'
import { type Aftermath, type Settling, settle } from './settle.ts'
import { whenAvailable } from './when-available.ts'

export type Decoded<Event> =
  | { kind: 'event'; event: Event }
  | { kind: 'invalid'; reason: string; error: string }

export interface Inbox<Tables extends WithInbox, Event extends IncomingEvent>
  extends Omit<Handling<Tables, Event>, 'deferral'>,
    Omit<Settling, 'db'> {
  decode: (content: Buffer, headers: Delivery['headers']) => Decoded<Event>
  /** The rows that `handle` locks. What needs one that is locked is deferred; without this, it is retried. */
  rowLocks?: RowLocks<Tables, Event>
  /** After a commit, outside of it. */
  onCommit?: () => void
  /** Counts each time that the handling is begun, and takes it back when nothing came of it. */
  counted?: (handling: () => Promise<Endings>) => Promise<Endings>
}

/** More than this is no event of ours. */
const maxMessageBytes = 65_536

/**
 * Handles one batch of messages and settles each: acknowledged after the commit, also of what is
 * deferred, parked as a dead letter, or kept for another try. What takes longer than the batch goes on in the background.
 */
export async function consumeBatch<Tables extends WithInbox, Event extends IncomingEvent>(
  inbox: Inbox<Tables, Event>,
  deliveries: Delivery[],
  aftermath: Aftermath,
): Promise<void> {
  const received = deliveries.map((delivery) => ({ delivery, decoded: decode(inbox, delivery) }))
  const events = new Map<string, Event>()
  const messages = new Map<string, Delivery>()
  for (const { delivery, decoded } of received) {
    if (decoded.kind !== 'event') continue
    events.set(decoded.event.id, decoded.event)
    messages.set(decoded.event.id, delivery)
  }
  const { rowLocks, counted = (handling) => handling() } = inbox
  const messageOf = ({ id }: Event) => deferredMessage(messages.get(id) as Delivery)
  const deferral = rowLocks && { rowLocks, messageOf }
  const handling = () => counted(() => handleEvents({ ...inbox, deferral }, [...events.values()]))
  const endings = await whenAvailable(handling, aftermath.held, aftermath.signal)
  if (events.size > 0 && endings) inbox.onCommit?.()
  const settling = settlingOf(inbox)
  for (const { delivery, decoded } of received) {
    const ending =
      decoded.kind === 'event'
        ? endings?.get(decoded.event.id)
        : { ...decoded, kind: 'park' as const }
    await settle(settling, delivery, ending, aftermath)
  }
}

/** Those parts of an inbox that settling needs: whatever else is in its database. */
export const settlingOf = <Tables extends WithInbox, Event extends IncomingEvent>(
  inbox: Inbox<Tables, Event>,
): Settling => ({ ...inbox, db: inbox.db as unknown as Database<WithInbox> })

/** What a message says, if it says anything that can be handled. */
export function decode<Tables extends WithInbox, Event extends IncomingEvent>(
  inbox: Inbox<Tables, Event>,
  { content, headers }: Delivery,
): Decoded<Event> {
  if (content.length <= maxMessageBytes) return inbox.decode(content, headers)
  const error = `the message has ${content.length} bytes, at most ${maxMessageBytes} are allowed`
  return { kind: 'invalid', reason: 'too-large', error }
}
