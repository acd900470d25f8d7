import { backoffMs } from '../backoff.ts'
import { type Delivery, Subscription } from '../broker/consumer.ts'
import type { BrokerOptions } from '../broker/topology.ts'
import { isCode } from '../errors.ts'
import type { Logger } from '../logger.ts'
import { pause } from '../pause.ts'
import { type Ending, type Handling, handleEvents, type IncomingEvent } from './handle.ts'
import { Pending } from './pending.ts'
import type { WithInbox } from './rows.ts'
import { park, type Settling, settle } from './settle.ts'

export type Decoded<Event> =
  | { kind: 'event'; event: Event }
  | { kind: 'invalid'; reason: string; error: string }

export interface Inbox<Tables extends WithInbox, Event extends IncomingEvent>
  extends Handling<Tables, Event>,
    Settling {
  decode: (content: Buffer) => Decoded<Event>
  /** After a commit, outside of it. */
  onCommit?: () => void
}

export interface Consuming {
  batchSize: number
  /** Batches in work at the same time. */
  lanes: number
  /** How long a batch that is not full waits for company. */
  lingerMs: number
}

/** More than this is no event of ours. */
const maxMessageBytes = 65_536

/**
 * Consumes until told to stop; then takes no more, finishes the batches in work and gives back the
 * rest. While the database is away it holds what it has and takes nothing more: an outage is no
 * failure of a message.
 */
export async function runConsumer<Tables extends WithInbox, Event extends IncomingEvent>(
  inbox: Inbox<Tables, Event> & Consuming,
  subscription: ReturnType<typeof subscribe>,
  signal: AbortSignal,
): Promise<void> {
  const { pending } = subscription
  const lane = async () => {
    while (!signal.aborted) {
      const batch = await pending.take(inbox.batchSize, inbox.lingerMs, signal)
      await consumeBatch(inbox, batch, pending, signal)
    }
  }
  const lanes = Array.from({ length: inbox.lanes }, lane)
  await Promise.race([...lanes, aborted(signal)])
  const closing = subscription.close()
  for (const delivery of pending.takeAll()) delivery.requeue()
  await Promise.all(lanes)
  for (const delivery of pending.takeAll()) delivery.requeue()
  await closing
}

/** The queue, consumed into a list from which batches are made. */
export function subscribe(
  options: BrokerOptions & { queue: string; logger: Logger },
  { batchSize, lanes }: Consuming,
) {
  const pending = new Pending<Delivery>()
  const subscription = new Subscription({
    ...options,
    prefetch: batchSize * (lanes + 1),
    onDelivery: (delivery) => pending.push(delivery),
  })
  return {
    pending,
    isConsuming: () => subscription.isConsuming(),
    close: () => subscription.close(),
  }
}

/**
 * Handles one batch of messages and settles each: acknowledged after the commit, parked as a dead
 * letter, or kept for another try. Returns when all are settled or kept.
 */
export async function consumeBatch<Tables extends WithInbox, Event extends IncomingEvent>(
  inbox: Inbox<Tables, Event>,
  deliveries: Delivery[],
  retries: Pick<Pending<Delivery>, 'push'>,
  signal: AbortSignal,
): Promise<void> {
  const received = deliveries.map((delivery) => ({ delivery, decoded: decode(inbox, delivery) }))
  const events = new Map<string, Event>()
  for (const { decoded } of received) {
    if (decoded.kind === 'event') events.set(decoded.event.id, decoded.event)
  }
  const endings = await handleWhenAvailable(inbox, [...events.values()], signal)
  if (events.size > 0 && endings.size > 0) inbox.onCommit?.()
  await Promise.all(
    received.map(({ delivery, decoded }) => {
      if (decoded.kind === 'invalid') return park(inbox, delivery, decoded, signal)
      return settle(inbox, delivery, endings.get(decoded.event.id), retries, signal)
    }),
  )
}

function decode<Tables extends WithInbox, Event extends IncomingEvent>(
  inbox: Inbox<Tables, Event>,
  { content }: Delivery,
): Decoded<Event> {
  if (content.length <= maxMessageBytes) return inbox.decode(content)
  const error = `the message has ${content.length} bytes, at most ${maxMessageBytes} are allowed`
  return { kind: 'invalid', reason: 'too-large', error }
}

/** The endings; none when we were told to stop while the database was away. */
async function handleWhenAvailable<Tables extends WithInbox, Event extends IncomingEvent>(
  inbox: Inbox<Tables, Event>,
  events: Event[],
  signal: AbortSignal,
): Promise<Map<string, Ending>> {
  for (let outages = 0; ; outages++) {
    try {
      return await handleEvents(inbox, events)
    } catch (error) {
      if (!isCode(error, 'unavailable')) throw error
      if (outages === 0) inbox.logger.warn({ err: error }, 'the database is away, holding messages')
      await pause(backoffMs(outages), signal)
      if (signal.aborted) return new Map()
    }
  }
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
