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
  /** Of a message that is passed on: what its sender wrote besides. Replaces what we would write. */
  properties?: Options.Publish
}

export interface Published {
  /** Ids the broker has confirmed and routed. */
  confirmed: string[]
  /** What it refused, could not route, or had not answered for at the deadline. */
  failed: { id: string; error: string }[]
  /** Whether the deadline passed with answers missing. */
  late: boolean
}

/**
 * Many messages in flight on one confirm channel, any number of batches side by side.
 *
 * RabbitMQ confirms an unroutable message too, but returns it first (mandatory), so a return that
 * came before the confirm makes it a failure.
 */
export class ConfirmWindow {
  readonly #channel: ConfirmChannel
  /** Returned and not yet confirmed, counted by message_id. */
  readonly #returned = new Map<string, number>()

  constructor(channel: ConfirmChannel) {
    this.#channel = channel
    channel.on('return', ({ properties }: Message) => {
      this.#returned.set(properties.messageId, this.#countReturned(properties.messageId) + 1)
    })
  }

  publishAll(messages: OutgoingMessage[], deadlineMs: number): Promise<Published> {
    const { promise, resolve } = Promise.withResolvers<Published>()
    const open = new Set(messages.map(({ id }) => id))
    const published: Published = { confirmed: [], failed: [], late: false }
    const finish = (missing: string) => {
      clearTimeout(deadline)
      for (const id of open) published.failed.push({ id, error: missing })
      open.clear()
      resolve(published)
    }
    const settle = (id: string, error: string | undefined) => {
      if (!open.delete(id)) return
      if (error === undefined) published.confirmed.push(id)
      else published.failed.push({ id, error })
      if (open.size === 0) finish('')
    }
    const deadline = setTimeout(() => {
      published.late = true
      finish(`no confirm within ${deadlineMs} ms`)
    }, deadlineMs)
    for (const message of messages) this.#publish(message, settle)
    if (messages.length === 0) finish('')
    return promise
  }

  #publish(message: OutgoingMessage, settle: (id: string, error?: string) => void): void {
    const { id, exchange, routingKey, content } = message
    try {
      this.#channel.publish(exchange, routingKey, content, optionsOf(message), (error) => {
        const returned = this.#takeReturned(id)
        if (error) settle(id, error.message)
        else settle(id, returned ? `no queue for ${routingKey} at ${exchange}` : undefined)
      })
    } catch (error) {
      settle(id, (error as Error).message)
    }
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
