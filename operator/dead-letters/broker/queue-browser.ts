import type { Channel, ChannelModel, GetMessage } from 'amqplib'
import { EnvironmentError } from '#chassis/errors.ts'
import { withTimeout } from '#chassis/timeout.ts'
import { closeConnection, connectOrFail } from '#messaging/broker/connection.ts'
import { probeDepth } from '#rabbitmq-3.10/leaderless-queues.ts'
import { ConfirmedPublisher } from './confirmed-publisher.ts'
import { acquireOperatorLock, hasReplyCode } from './operator-lock.ts'
import {
  consumeRequeued,
  consumeUpTo,
  type DeliveredMessage,
  type Message,
  prefetchSize,
  requeue,
  type UnackedMessage,
} from './unacked-messages.ts'

/** What becomes of a message: `ack` deletes it for good, `requeue` puts it back in its place. */
export type Disposition = 'ack' | 'requeue'

export interface QueueState {
  queue: string
  /** Ready messages, without unacknowledged ones; null when there is no such queue. */
  messages: number | null
  consumers: number
}

const closeChannelTimeoutMs = 10_000

const closeTimeoutMs = 2_000

const defaultLockWaitMs = 10_000

/** Opens a queue browser for `work`, and closes it. */
export async function withQueueBrowser<T>(
  url: string,
  work: (browser: QueueBrowser) => Promise<T>,
  lockWaitMs = defaultLockWaitMs,
): Promise<T> {
  const browser = await QueueBrowser.open(url, lockWaitMs)
  try {
    return await work(browser)
  } finally {
    await browser.close()
  }
}

/**
 * The operator's way to look at a queue: consume messages, decide, acknowledge or requeue each.
 *
 * Requeued messages keep their order and their place. However the browser ends, by SIGKILL too, the
 * broker requeues every message that was not acknowledged. One operator works at a time: another
 * one waits for the lock, and is refused after `lockWaitMs`.
 */
export class QueueBrowser {
  readonly #url: string
  readonly #connection: ChannelModel
  readonly #lockWaitMs: number
  #lock: Promise<Channel> | undefined
  #publisher: Promise<ConfirmedPublisher> | undefined

  private constructor(url: string, connection: ChannelModel, lockWaitMs: number) {
    this.#url = url
    this.#connection = connection
    this.#lockWaitMs = lockWaitMs
  }

  /** Tries once to connect; rejects with `unavailable`. */
  static async open(url: string, lockWaitMs = defaultLockWaitMs): Promise<QueueBrowser> {
    return new QueueBrowser(url, await connectOrFail(url, 'operator'), lockWaitMs)
  }

  async close(): Promise<void> {
    const publisher = await this.#publisher?.catch(() => undefined)
    await Promise.all([publisher?.close(), closeConnection(this.#connection, closeTimeoutMs)])
  }

  /**
   * Keeps other operators out until this browser is closed. Their messages have been requeued by
   * then, so that a count includes all messages, unless an operator was killed at this very moment.
   * Rejects with `conflict` when another operator holds the lock for too long.
   */
  async lock(): Promise<void> {
    this.#lock ??= acquireOperatorLock(this.#connection, this.#lockWaitMs)
    await this.#lock
  }

  /** The state of a queue, whether it exists or not. Its count may be a false 0: see `countOf`. */
  async stateOf(queue: string): Promise<QueueState> {
    try {
      const { messageCount, consumerCount } = await this.onChannel((channel) =>
        channel.checkQueue(queue),
      )
      return { queue, messages: messageCount, consumers: consumerCount }
    } catch (error) {
      if (!hasReplyCode(error, 404)) throw error
      return { queue, messages: null, consumers: 0 }
    }
  }

  /**
   * The state of a queue with a reliable count. RabbitMQ also reports 0 for a queue without a
   * leader, or one that does not answer within a quarter of a second. So a queue that reports 0 has
   * to serve a consumer before its count is believed. Rejects with `unavailable` when the queue
   * does not.
   */
  async countOf(queue: string): Promise<QueueState> {
    const state = await this.stateOf(queue)
    if (state.messages !== 0) return state
    const messages = await probeDepth(this.#connection, queue)
    if (messages !== undefined) return { ...state, messages }
    throw new EnvironmentError(
      'unavailable',
      `${queue} does not answer: it may be without a leader`,
    )
  }

  /**
   * Passes the messages that are in the queue now to `decide`, in their order, and acknowledges or
   * requeues each. `nextCount` limits each portion (0 ends; `prefetchSize` is the maximum).
   * Messages that arrive meanwhile are not passed, so that a message which fails again is met once.
   * Returns how many messages were in the queue. Rejects with `unavailable` when not all are
   * delivered.
   */
  async browse(
    queue: string,
    nextCount: () => number,
    decide: (messages: DeliveredMessage[]) => Promise<Disposition[]>,
  ): Promise<number> {
    await this.lock()
    const total = (await this.countOf(queue)).messages ?? 0
    if (total === 0) return 0
    let left = total
    await this.onChannel(async (channel) => {
      const unacked = new Map<number, UnackedMessage>()
      let last: GetMessage | undefined
      try {
        for (let count = nextCount(); count > 0 && left > 0; count = nextCount()) {
          const size = Math.min(left, count, prefetchSize)
          const messages = await consumeUpTo(channel, queue, size)
          if (messages.length === 0) throw undelivered(left, total)
          left -= messages.length
          last = messages.at(-1)
          for (const { fields } of messages) unacked.set(fields.deliveryTag, { fields })
          const dispositions = await decide(messages)
          const done = messages.filter((_, index) => dispositions[index] === 'ack')
          for (const message of done) channel.ack(message)
          for (const { fields } of done) unacked.delete(fields.deliveryTag)
        }
      } finally {
        // When the channel is closed, the broker has requeued the messages itself.
        if (unacked.size > 0)
          await requeueInPlace(channel, queue, [...unacked.values()], { last, left }).catch(
            () => {},
          )
      }
    })
    return total
  }

  /** As `ConfirmedPublisher.publishTo`; the first call opens a second connection. */
  async publishTo(queue: string, messages: readonly Message[]): Promise<void> {
    this.#publisher ??= ConfirmedPublisher.open(this.#url)
    await (await this.#publisher).publishTo(queue, messages)
  }

  /** Runs `work` on a new channel, since an error closes the channel. */
  async onChannel<T>(work: (channel: Channel) => Promise<T>): Promise<T> {
    const channel = await this.#connection.createChannel()
    channel.on('error', () => {})
    const result = await work(channel)
    await withTimeout(closeChannelTimeoutMs, 'closing a channel', channel.close())
    return result
  }
}

/** Requeues messages, together with those behind them that were requeued earlier. */
async function requeueInPlace(
  channel: Channel,
  queue: string,
  unacked: UnackedMessage[],
  { last, left }: { last: GetMessage | undefined; left: number },
): Promise<void> {
  const requeued = await consumeRequeued(channel, queue, { last, left })
  await requeue(channel, queue, [...unacked, ...requeued])
}

const undelivered = (left: number, total: number) =>
  new EnvironmentError(
    'unavailable',
    `${left} of ${total} messages were not delivered: another consumer holds them, or the queue does not answer`,
  )
