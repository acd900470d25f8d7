import type { Channel, ChannelModel, GetMessage } from 'amqplib'
import { within } from '#chassis/deadline.ts'
import { EnvironmentError } from '#chassis/errors.ts'
import { closeConnection, connectOrFail } from '#messaging/broker/connection.ts'
import { countByServing } from '#rabbitmq-3.10/leaderless-queues.ts'
import { Outgoing } from './confirmed-publisher.ts'
import { isReply, takeLock } from './operator-lock.ts'
import {
  type HeldLetter,
  type Letter,
  lettersAtOnce,
  putBack,
  take,
  takeReturned,
} from './unacked-messages.ts'

/** What becomes of a letter: `drop` takes it off the queue for good, `keep` puts it back in place. */
export type Verdict = 'drop' | 'keep'

export interface QueueState {
  queue: string
  /** Ready, not in the hands of a consumer or an operator; null when there is no such queue. */
  messages: number | null
  consumers: number
}

/** What closing a channel may take. */
const closeMs = 10_000

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
 * What is put back keeps its order and its place. However the desk is left, by SIGKILL too, the broker
 * puts back all that was not dropped. One operator at a
 * time: another one waits, or is told.
 */
export class Desk {
  readonly #url: string
  readonly #connection: ChannelModel
  readonly #lockWaitMs: number
  #lock: Promise<Channel> | undefined
  #outgoing: Promise<Outgoing> | undefined

  private constructor(url: string, connection: ChannelModel, waitMs: number) {
    this.#url = url
    this.#connection = connection
    this.#lockWaitMs = waitMs
  }

  /** One attempt; rejects with `unavailable`. */
  static async open(url: string, waitMs = lockWaitMs): Promise<Desk> {
    return new Desk(url, await connectOrFail(url, 'operator'), waitMs)
  }

  async close(): Promise<void> {
    const outgoing = await this.#outgoing?.catch(() => undefined)
    await Promise.all([outgoing?.close(), closeConnection(this.#connection, disconnectMs)])
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

  /** Of a queue, whether it is there or not. Its count may be a false 0: see `countOf`. */
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
   * The same, but sure of a 0. RabbitMQ says it, too, of a queue that has no leader or does not answer
   * within a quarter of a second: so it has to serve a consumer before it is believed, and is counted
   * then. Rejects with `unavailable` when it does not.
   */
  async countOf(queue: string): Promise<QueueState> {
    const state = await this.stateOf(queue)
    if (state.messages !== 0) return state
    const messages = await countByServing(this.#connection, queue)
    if (messages !== undefined) return { ...state, messages }
    throw new EnvironmentError(
      'unavailable',
      `${queue} does not answer: it may be without a leader`,
    )
  }

  /**
   * Shows `judge` the messages that are in the queue now, in their order and as many at a time as
   * `takeNext` says (0: no more; `lettersAtOnce` at most), and does to them as it says. What comes in meanwhile is not looked
   * at, so that a letter which comes back is met once. Returns how many there were, shown or not.
   * Rejects with `unavailable` when not all of them come.
   */
  async sort(
    queue: string,
    takeNext: () => number,
    judge: (letters: Letter[]) => Promise<Verdict[]>,
  ): Promise<number> {
    await this.lock()
    const total = (await this.countOf(queue)).messages ?? 0
    if (total === 0) return 0
    let left = total
    await this.#onChannel(async (channel) => {
      const held = new Map<number, HeldLetter>()
      let last: GetMessage | undefined
      try {
        for (let count = takeNext(); count > 0 && left > 0; count = takeNext()) {
          const letters = await take(channel, queue, Math.min(left, count, lettersAtOnce))
          if (letters.length === 0) throw notComing(left, total)
          left -= letters.length
          last = letters.at(-1)
          for (const { fields } of letters) held.set(fields.deliveryTag, { fields })
          const verdicts = await judge(letters)
          const dropped = letters.filter((_, index) => verdicts[index] === 'drop')
          for (const letter of dropped) channel.ack(letter)
          for (const { fields } of dropped) held.delete(fields.deliveryTag)
        }
      } finally {
        // Of a channel that is gone the broker has them back by itself.
        if (held.size > 0)
          await restore(channel, queue, [...held.values()], last, left).catch(() => {})
      }
    })
    return total
  }

  /** As `Outgoing.put`; the broker is asked for a second connection, once. */
  async put(queue: string, letters: readonly Letter[]): Promise<void> {
    this.#outgoing ??= Outgoing.open(this.#url)
    await (await this.#outgoing).put(queue, letters)
  }

  /** A channel of its own, since an error closes it. */
  async #onChannel<T>(work: (channel: Channel) => Promise<T>): Promise<T> {
    const channel = await this.#connection.createChannel()
    channel.on('error', () => {})
    const result = await work(channel)
    await within(closeMs, 'closing a channel', channel.close())
    return result
  }
}

/** Puts back what was taken, before which nothing may be left that was put back earlier. */
async function restore(
  channel: Channel,
  queue: string,
  held: HeldLetter[],
  last: GetMessage | undefined,
  left: number,
): Promise<void> {
  const returned = await takeReturned(channel, queue, { last, left })
  await putBack(channel, queue, [...held, ...returned])
}

const notComing = (left: number, total: number) =>
  new EnvironmentError(
    'unavailable',
    `${left} of ${total} letters do not come: somebody else has them, or their queue does not answer`,
  )
