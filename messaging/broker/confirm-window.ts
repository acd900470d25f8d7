import type { ConfirmChannel, Message, Options } from 'amqplib'

export interface OutgoingMessage {
  /** Becomes the message_id; unique within one call of publishAll. */
  id: string
  type?: string | undefined
  /** The empty name is the default exchange: the routing key is then the name of a queue. */
  exchange: string
  routingKey: string
  contentType?: string | undefined
  content: Buffer
  headers?: Record<string, unknown>
  /**
   * Of a message that is passed on: what its sender wrote besides. Replaces what we would write.
   */
  properties?: Options.Publish
}

/** What became of messages, by their ids. */
export interface Published {
  /** The broker has confirmed and routed them. */
  confirmed: string[]
  /** The broker refused them, could not route them, or closed the channel because of them. */
  failed: { id: string; error: string }[]
  /**
   * The channel was lost before an answer came, or they were never sent: they may yet arrive, or
   * not.
   */
  unknown: string[]
}

export interface Answers extends Published {
  /**
   * Unknown, too: they were in flight when the broker closed the channel because of one of them.
   */
  suspected: string[]
  /** No answer came before the deadline. */
  late: string[]
}

type Outcome = 'confirmed' | 'unknown' | 'suspected' | { error: string }

/**
 * Many messages in flight on one confirm channel, any number of batches side by side.
 *
 * RabbitMQ confirms an unroutable message too, but returns it first (mandatory), so a return that
 * came before the confirm makes it a failure. When the broker closes the channel with an error, one
 * of the messages in flight is why; with a single one in flight it is known which.
 */
export class ConfirmWindow {
  readonly #channel: ConfirmChannel
  /** Returned and not yet confirmed, counted by message_id. */
  readonly #returned = new Map<string, number>()
  #inFlight = 0
  #isClosed = false
  #cause: Error | undefined
  /** What is said of a message in flight when the channel closes. */
  #whenClosed: Outcome = 'unknown'

  constructor(channel: ConfirmChannel) {
    this.#channel = channel
    channel.on('return', ({ properties }: Message) => {
      this.#returned.set(properties.messageId, this.#countReturned(properties.messageId) + 1)
    })
    channel.on('error', (error) => this.closedBecause(error))
    channel.prependListener('close', () => this.#close()) // before amqplib calls back
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /** Notes why the channel is about to close. Only a numeric code is the broker's own word. */
  closedBecause(error: Error & { code?: unknown }): void {
    if (typeof error.code === 'number') this.#cause = error
  }

  publishAll(messages: OutgoingMessage[], deadlineMs: number): Promise<Answers> {
    const { promise, resolve } = Promise.withResolvers<Answers>()
    const open = new Set(messages.map(({ id }) => id))
    const answers: Answers = { confirmed: [], failed: [], unknown: [], suspected: [], late: [] }
    const finish = () => {
      clearTimeout(deadline)
      answers.late.push(...open)
      open.clear()
      resolve(answers)
    }
    const settle = (id: string, outcome: Outcome) => {
      if (!open.delete(id)) return
      if (typeof outcome === 'string') answers[outcome].push(id)
      else answers.failed.push({ id, error: outcome.error })
      if (open.size === 0) finish()
    }
    const deadline = setTimeout(finish, deadlineMs)
    for (const message of messages) this.#publish(message, settle)
    if (messages.length === 0) finish()
    return promise
  }

  #publish(message: OutgoingMessage, settle: (id: string, outcome: Outcome) => void): void {
    const { id, exchange, routingKey, content } = message
    if (this.#isClosed) {
      settle(id, 'unknown')
      return
    }
    try {
      this.#channel.publish(exchange, routingKey, content, optionsOf(message), (error) => {
        this.#inFlight--
        const isReturned = this.#takeReturned(id)
        if (error) settle(id, this.#isClosed ? this.#whenClosed : { error: error.message })
        else if (isReturned) settle(id, { error: `no queue for ${routingKey} at ${exchange}` })
        else settle(id, 'confirmed')
      })
      this.#inFlight++
    } catch (error) {
      settle(id, isClosing(error) ? 'unknown' : { error: (error as Error).message })
    }
  }

  #close(): void {
    this.#isClosed = true
    if (!this.#cause) return
    this.#whenClosed = this.#inFlight === 1 ? { error: this.#cause.message } : 'suspected'
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

/** Whether that says something of the channel, which is closing, and nothing of the message. */
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
