import type { ChannelModel, ConfirmChannel } from 'amqplib'
import { EnvironmentError } from '#chassis/errors.ts'
import { withTimeout } from '#chassis/timeout.ts'
import { closeConnection, connectOrFail } from '#messaging/broker/connection.ts'
import { republishable } from '#messaging/broker/short-string.ts'
import type { Message } from './unacked-messages.ts'

/** Bytes between two waits for confirms: a slow network, too, can confirm them in time. */
const chunkBytes = 2_000_000

const confirmTimeoutMs = 10_000

const closeTimeoutMs = 2_000

/**
 * Publishes to queues with confirms, on a connection of its own: during an alarm the broker blocks
 * a publishing connection in both directions, and the operator must still requeue messages.
 */
export class ConfirmedPublisher {
  readonly #connection: ChannelModel
  readonly #channel: ConfirmChannel
  #returned = 0
  /** Why the broker blocks publishers now. */
  #blocked: string | undefined

  private constructor(connection: ChannelModel, channel: ConfirmChannel) {
    this.#connection = connection
    this.#channel = channel
    channel.on('error', () => {})
    channel.on('return', () => {
      this.#returned++
    })
    connection.on('blocked', (reason: string) => {
      this.#blocked = reason
    })
    connection.on('unblocked', () => {
      this.#blocked = undefined
    })
  }

  /** Tries once to connect; rejects with `unavailable`. */
  static async open(url: string): Promise<ConfirmedPublisher> {
    const connection = await connectOrFail(url, 'operator')
    return new ConfirmedPublisher(connection, await connection.createConfirmChannel())
  }

  async close(): Promise<void> {
    await closeConnection(this.#connection, closeTimeoutMs)
  }

  /**
   * Publishes messages to a queue, with all properties that can be published again. Resolves when
   * the broker has confirmed every message. Rejects when any is unconfirmed or was returned; some
   * may be in the queue then.
   */
  async publishTo(queue: string, messages: readonly Message[]): Promise<void> {
    for (const chunk of chunksBySize(messages, chunkBytes)) {
      this.#returned = 0
      for (const { content, properties } of chunk) {
        this.#channel.publish('', queue, content, { ...republishable(properties), mandatory: true })
      }
      await this.#confirmed()
      if (this.#returned > 0) throw new Error(`there is no queue ${queue}`)
    }
  }

  async #confirmed(): Promise<void> {
    try {
      const confirms = this.#channel.waitForConfirms()
      await withTimeout(confirmTimeoutMs, 'the confirm of the broker', confirms)
    } catch (error) {
      if (this.#blocked === undefined) throw error
      throw new EnvironmentError('unavailable', `the broker blocks publishers: ${this.#blocked}`)
    }
  }
}

/**
 * Divides messages, in their order, into chunks of at most so many bytes and at least one message.
 */
export function chunksBySize(messages: readonly Message[], maxBytes: number): Message[][] {
  const chunks: Message[][] = []
  let leftBytes = 0
  for (const message of messages) {
    leftBytes -= message.content.length
    if (leftBytes < 0 || chunks.length === 0) {
      chunks.push([])
      leftBytes = maxBytes - message.content.length
    }
    chunks.at(-1)?.push(message)
  }
  return chunks
}
