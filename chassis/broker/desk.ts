import type { Channel, ChannelModel, ConfirmChannel, GetMessage, MessageProperties } from 'amqplib'
import { within } from '../deadline.ts'
import { connectOrFail, hangUp } from './connection.ts'
import { isReply, takeLock } from './desk-lock.ts'
import { type HeldLetter, putBack, take } from './letters-in-hand.ts'
import { sendable } from './short-string.ts'

/** A message that we look at: the broker keeps it until it is dropped, and has it back otherwise. */
export type Letter = Pick<GetMessage, 'content' | 'properties'>

/** What becomes of a letter: `drop` takes it off the queue for good, `keep` puts it back in place. */
export type Verdict = 'drop' | 'keep'

export interface QueueState {
  queue: string
  /** Ready, not in the hands of a consumer or an operator; null when there is no such queue. */
  messages: number | null
  consumers: number
}

/** What one batch of letters may take to be confirmed, and all that was said on a channel to be heard. */
const confirmMs = 10_000

const disconnectMs = 2_000

/** How long another operator is waited for. */
const lockWaitMs = 10_000

/** Runs `work` at a desk, and hangs up afterwards. */
export async function atDesk<T>(
  url: string,
  work: (desk: Desk) => Promise<T>,
  waitMs = lockWaitMs,
): Promise<T> {
  const desk = await Desk.open(url, waitMs)
  try {
    return await work(desk)
  } finally {
    await desk.close()
  }
}

/**
 * Where an operator takes messages from a queue, looks at them, and puts them back or elsewhere.
 *
 * What is put back keeps its order; RabbitMQ 3.10 puts it behind what was not looked at. However the
 * desk is left, by SIGKILL too, the broker puts back all that was not dropped. One operator at a
 * time: another one waits, or is told.
 */
export class Desk {
  readonly #connection: ChannelModel
  readonly #lockWaitMs: number
  #lock: Promise<Channel> | undefined
  #outgoing: Promise<ConfirmChannel> | undefined
  #returned = 0

  private constructor(connection: ChannelModel, waitMs: number) {
    this.#connection = connection
    this.#lockWaitMs = waitMs
  }

  /** One attempt; rejects with `unavailable`. */
  static async open(url: string, waitMs = lockWaitMs): Promise<Desk> {
    return new Desk(await connectOrFail(url, 'operator'), waitMs)
  }

  async close(): Promise<void> {
    await hangUp(this.#connection, disconnectMs)
  }

  /**
   * Keeps other operators away until this desk is closed. What they have put back is in its queue
   * then, so that a count is of all letters, unless one was killed in this very moment. Rejects with
   * `conflict` when one stays too long.
   */
  async lock(): Promise<void> {
    this.#lock ??= takeLock(this.#connection, this.#lockWaitMs)
    await this.#lock
  }

  /** Of a queue, whether it is there or not. */
  async stateOf(queue: string): Promise<QueueState> {
    try {
      const { messageCount, consumerCount } = await this.#onChannel((channel) =>
        channel.checkQueue(queue),
      )
      return { queue, messages: messageCount, consumers: consumerCount }
    } catch (error) {
      if (!isReply(error, 404)) throw error
      return { queue, messages: null, consumers: 0 }
    }
  }

  /**
   * Shows `judge` the messages that are in the queue now, in their order and as many at a time as
   * `takeNext` says (0: no more), and does to them as it says. What comes in meanwhile is not looked
   * at, so that a letter which comes back is met once. Returns how many there were, shown or not.
   */
  async sort(
    queue: string,
    takeNext: () => number,
    judge: (letters: Letter[]) => Promise<Verdict[]>,
  ): Promise<number> {
    await this.lock()
    const total = (await this.stateOf(queue)).messages ?? 0
    if (total === 0) return 0
    let left = total
    await this.#onChannel(async (channel) => {
      const held = new Map<number, HeldLetter>()
      try {
        for (let count = takeNext(); count > 0 && left > 0; count = takeNext()) {
          const letters = await take(channel, queue, Math.min(left, count))
          left = letters.length === 0 ? 0 : left - letters.length
          for (const { fields } of letters) held.set(fields.deliveryTag, { fields })
          const verdicts = await judge(letters)
          const dropped = letters.filter((_, index) => verdicts[index] === 'drop')
          for (const letter of dropped) channel.ack(letter)
          for (const { fields } of dropped) held.delete(fields.deliveryTag)
        }
      } finally {
        // Of a channel that is gone the broker has them back by itself.
        if (held.size > 0) await putBack(channel, queue, [...held.values()]).catch(() => {})
      }
    })
    return total
  }

  /**
   * Puts messages into a queue, all properties as they can be, and resolves when the broker has every
   * one of them. Rejects when it may lack any, though some may be there then.
   */
  async put(queue: string, letters: Letter[]): Promise<void> {
    this.#outgoing ??= this.#openOutgoing()
    const channel = await this.#outgoing
    this.#returned = 0
    for (const { content, properties } of letters) {
      channel.publish('', queue, content, publishOptions(properties))
    }
    await within(confirmMs, 'the confirm of the broker', channel.waitForConfirms())
    if (this.#returned > 0) throw new Error(`there is no queue ${queue}`)
  }

  async #openOutgoing(): Promise<ConfirmChannel> {
    const channel = await this.#connection.createConfirmChannel()
    channel.on('error', () => {})
    channel.on('return', () => {
      this.#returned++
    })
    return channel
  }

  /** A channel of its own, since an error closes it. When it is closed, all that it said was heard. */
  async #onChannel<T>(work: (channel: Channel) => Promise<T>): Promise<T> {
    const channel = await this.#connection.createChannel()
    channel.on('error', () => {})
    const result = await work(channel)
    await within(confirmMs, 'closing a channel', channel.close())
    return result
  }
}

/** But for the user, who would have to be ourselves, and for what cannot be written again. */
const publishOptions = ({ userId: _, clusterId: __, ...properties }: MessageProperties) => ({
  ...sendable(properties),
  persistent: true,
  mandatory: true,
})
