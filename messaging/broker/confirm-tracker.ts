import type { ConfirmChannel, Message, Options } from 'amqplib'
import type { OutgoingMessage } from './outgoing-message.ts'
import { type Packed, pack } from './shared-message.ts'

/**
 * Why a message was not published: no queue takes it, the broker refused it, closed the channel
 * because of it, or did not confirm it in time, or it cannot be encoded.
 */
export type PublishFailure = 'returned' | 'refused' | 'channel-closed' | 'unconfirmed' | 'invalid'

/** The outcomes of messages, by their ids. */
export interface Published {
  /** The broker confirmed and routed them. */
  confirmed: string[]
  /** The broker refused them, could not route them, or closed the channel because of them. */
  failed: { id: string; error: string; cause: PublishFailure }[]
  /** No answer, since the channel was lost, or they were never sent: they may arrive or not. */
  unknown: string[]
}

/**
 * The outcomes as the channel shows them; `Publisher.publishAll` has a table of what causes which.
 */
export interface ChannelOutcomes extends Published {
  /** In flight when the broker closed the channel because of one of them. */
  suspected: string[]
  /** Without an answer at the deadline. */
  unconfirmed: string[]
}

type PublishOutcome =
  | 'confirmed'
  | 'unknown'
  | 'suspected'
  | { error: string; cause: PublishFailure }

/**
 * Publishes on one confirm channel, any number of batches at the same time, and tracks the confirm
 * of each message. There is no limit: the caller decides how many messages are in flight.
 *
 * RabbitMQ confirms an unroutable message too, but returns it first (mandatory), so a return before
 * the confirm makes it a failure. When the broker closes the channel with an error, one of the
 * messages in flight is the cause; with a single one in flight it is known which.
 */
export class ConfirmTracker {
  readonly #channel: ConfirmChannel
  readonly #eventsPerMessage: number
  /** Returned and not yet confirmed, counted by message_id. */
  readonly #returned = new Map<string, number>()
  /** Events whose message has no confirm yet. */
  #inFlight = 0
  #isClosed = false
  #cause: Error | undefined
  /** The outcome of a message that is in flight when the channel closes. */
  #whenClosed: PublishOutcome = 'unknown'

  constructor(channel: ConfirmChannel, eventsPerMessage = 1) {
    this.#channel = channel
    this.#eventsPerMessage = eventsPerMessage
    channel.on('return', ({ properties }: Message) => {
      this.#returned.set(properties.messageId, this.#countReturned(properties.messageId) + 1)
    })
    channel.on('error', (error) => this.closedBecause(error))
    channel.prependListener('close', () => this.#close()) // before amqplib calls back
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /**
   * Notes why the channel is about to close. Only an error with a numeric code is from the broker.
   */
  closedBecause(error: Error & { code?: unknown }): void {
    if (typeof error.code === 'number') this.#cause = error
  }

  publishAll(messages: OutgoingMessage[], deadlineMs: number): Promise<ChannelOutcomes> {
    const { promise, resolve } = Promise.withResolvers<ChannelOutcomes>()
    const open = new Set(messages.map(({ id }) => id))
    const outcomes: ChannelOutcomes = {
      confirmed: [],
      failed: [],
      unknown: [],
      suspected: [],
      unconfirmed: [],
    }
    const finish = () => {
      clearTimeout(deadline)
      outcomes.unconfirmed.push(...open)
      open.clear()
      resolve(outcomes)
    }
    const record = (ids: string[], outcome: PublishOutcome) => {
      const those = ids.filter((id) => open.delete(id))
      if (those.length === 0) return
      if (typeof outcome === 'string') outcomes[outcome].push(...those)
      else outcomes.failed.push(...those.map((id) => ({ id, ...outcome })))
      if (open.size === 0) finish()
    }
    const deadline = setTimeout(finish, deadlineMs)
    for (const packed of pack(messages, this.#eventsPerMessage)) this.#publish(packed, record)
    if (messages.length === 0) finish()
    return promise
  }

  #publish(
    { ids, message }: Packed,
    record: (ids: string[], outcome: PublishOutcome) => void,
  ): void {
    const { id, exchange, routingKey, content } = message
    if (this.#isClosed) {
      record(ids, 'unknown')
      return
    }
    try {
      this.#channel.publish(exchange, routingKey, content, optionsOf(message), (error) => {
        this.#inFlight -= ids.length
        const isReturned = this.#takeReturned(id)
        if (error) record(ids, this.#isClosed ? this.#whenClosed : failure(error, 'refused'))
        else if (isReturned) record(ids, noQueue(message))
        else record(ids, 'confirmed')
      })
      this.#inFlight += ids.length
    } catch (error) {
      record(ids, isClosing(error) ? 'unknown' : failure(error as Error, 'invalid'))
    }
  }

  #close(): void {
    this.#isClosed = true
    if (!this.#cause) return
    const isAlone = this.#inFlight === 1
    this.#whenClosed = isAlone ? failure(this.#cause, 'channel-closed') : 'suspected'
  }

  #countReturned(id: string): number {
    return this.#returned.get(id) ?? 0
  }

  #takeReturned(id: string): boolean {
    const count = this.#countReturned(id)
    if (count > 1) this.#returned.set(id, count - 1)
    else if (count === 1) this.#returned.delete(id)
    return count > 0
  }
}

const failure = ({ message: error }: Error, cause: PublishFailure) => ({ error, cause })

const noQueue = ({ routingKey, exchange }: OutgoingMessage) =>
  failure(new Error(`no queue for ${routingKey} at ${exchange}`), 'returned')

/** Whether the channel is closing: an error of the channel, not of the message. */
const isClosing = (error: unknown) => (error as Error).name === 'IllegalOperationError'

const optionsOf = (message: OutgoingMessage): Options.Publish => {
  const { id, type, contentType, headers, properties = ownProperties() } = message
  return {
    ...properties,
    messageId: id,
    ...(type && { type }),
    ...(contentType && { contentType }),
    ...(headers && { headers }),
    mandatory: true,
  }
}

const ownProperties = (): Options.Publish => ({
  timestamp: Math.floor(Date.now() / 1_000),
  deliveryMode: 2, // persistent
})
