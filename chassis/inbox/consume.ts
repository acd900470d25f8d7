import { backoffMs } from '../backoff.ts'
import { type Delivery, Subscription } from '../broker/consumer.ts'
import type { BrokerOptions } from '../broker/topology.ts'
import { isCode } from '../errors.ts'
import type { Logger } from '../logger.ts'
import { pause } from '../pause.ts'
import { Background } from './background.ts'
import { type Ending, type Handling, handleEvents, type IncomingEvent } from './handle.ts'
import { Pending } from './pending.ts'
import type { WithInbox } from './rows.ts'
import { type Aftermath, type Settling, settle } from './settle.ts'

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
  const background = new Background()
  const lane = async () => {
    while (!signal.aborted) {
      const batch = await pending.take(inbox.batchSize, inbox.lingerMs, signal)
      await consumeBatch(inbox, batch, { pending, background, signal })
    }
  }
  const lanes = Array.from({ length: inbox.lanes }, lane)
  await Promise.race([...lanes, aborted(signal)])
  const closing = subscription.close()
  for (const delivery of pending.takeAll()) delivery.requeue()
  await Promise.all(lanes)
  await background.done()
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
    onLost: () => pending.discard((delivery) => delivery.isLost()),
  })
  return {
    pending,
    isConsuming: () => subscription.isConsuming(),
    close: () => subscription.close(),
  }
}

/**
 * Handles one batch of messages and settles each: acknowledged after the commit, parked as a dead
 * letter, or kept for another try. What takes longer than the batch goes on in the background.
 */
export async function consumeBatch<Tables extends WithInbox, Event extends IncomingEvent>(
  inbox: Inbox<Tables, Event>,
  deliveries: Delivery[],
  aftermath: Aftermath,
): Promise<void> {
  const received = deliveries.map((delivery) => ({ delivery, decoded: decode(inbox, delivery) }))
  const events = new Map<string, Event>()
  for (const { decoded } of received) {
    if (decoded.kind === 'event') events.set(decoded.event.id, decoded.event)
  }
  const endings = await handleWhenAvailable(inbox, [...events.values()], aftermath.signal)
  if (events.size > 0 && endings.size > 0) inbox.onCommit?.()
  for (const { delivery, decoded } of received) {
    const ending =
      decoded.kind === 'event'
        ? endings.get(decoded.event.id)
        : { ...decoded, kind: 'park' as const }
    settle(inbox, delivery, ending, aftermath)
  }
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
