import type { ChannelModel, ConfirmChannel } from 'amqplib'
import { within } from '#chassis/deadline.ts'
import { EnvironmentError } from '#chassis/errors.ts'
import { closeConnection, connectOrFail } from '#messaging/broker/connection.ts'
import { republishable } from '#messaging/broker/short-string.ts'
import type { Letter } from './unacked-messages.ts'

/** So much is sent before it is waited for; over a slow line, too, it is confirmed in time. */
const bytesAtOnce = 2_000_000

/** What that may take to be confirmed. */
const confirmMs = 10_000

const disconnectMs = 2_000

/**
 * Where letters leave for another queue. It is a connection of its own: an alarm of the broker stops a
 * connection that publishes in both directions, and what was taken must still be put back.
 */
export class Outgoing {
  readonly #connection: ChannelModel
  readonly #channel: ConfirmChannel
  #returned = 0
  /** Why the broker takes nothing at present. */
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

  /** One attempt; rejects with `unavailable`. */
  static async open(url: string): Promise<Outgoing> {
    const connection = await connectOrFail(url, 'operator')
    return new Outgoing(connection, await connection.createConfirmChannel())
  }

  async close(): Promise<void> {
    await closeConnection(this.#connection, disconnectMs)
  }

  /**
   * Puts messages into a queue, all properties as they can be, and resolves when the broker has every
   * one of them. Rejects when it may lack any, though some may be there then.
   */
  async put(queue: string, letters: readonly Letter[]): Promise<void> {
    for (const some of cutBySize(letters, bytesAtOnce)) {
      this.#returned = 0
      for (const { content, properties } of some) {
        this.#channel.publish('', queue, content, { ...republishable(properties), mandatory: true })
      }
      await this.#confirmed()
      if (this.#returned > 0) throw new Error(`there is no queue ${queue}`)
    }
  }

  async #confirmed(): Promise<void> {
    try {
      await within(confirmMs, 'the confirm of the broker', this.#channel.waitForConfirms())
    } catch (error) {
      if (this.#blocked === undefined) throw error
      throw new EnvironmentError(
        'unavailable',
        `the broker takes nothing at present: ${this.#blocked}`,
      )
    }
  }
}

/** In their order, in rows of at most so many bytes, and of at least one letter. */
export function cutBySize(letters: readonly Letter[], mostBytes: number): Letter[][] {
  const rows: Letter[][] = []
  let room = 0
  for (const letter of letters) {
    room -= letter.content.length
    if (room < 0 || rows.length === 0) {
      rows.push([])
      room = mostBytes - letter.content.length
    }
    rows.at(-1)?.push(letter)
  }
  return rows
}
