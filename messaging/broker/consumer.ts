import type { Channel, ChannelModel, ConsumeMessage, MessageProperties } from 'amqplib'
import type { Logger } from '#chassis/logger.ts'
import { Outage } from '#chassis/outage.ts'
import { pause, untilAborted } from '#chassis/pause.ts'
import { withTimeout } from '#chassis/timeout.ts'
import { AckBatcher } from './ack-batcher.ts'
import { closeConnection, connectTimeoutMs, connectTo } from './connection.ts'
import { installationQueue } from './installation.ts'
import { type Attempt, reconnect } from './reconnect.ts'
import { type BrokerOptions, declareTopology } from './topology.ts'

/** A delivered message: the broker keeps it until it is acknowledged or requeued. */
export interface Delivery {
  content: Buffer
  messageId: string | undefined
  /** All properties of the sender, with the headers. */
  properties: MessageProperties
  exchange: string
  routingKey: string
  headers: Record<string, unknown>
  /** It was delivered before, and not acknowledged. */
  isRedelivered: boolean
  /**
   * The channel is gone: the broker redelivers the message, and no answer to this delivery matters.
   */
  isLost: () => boolean
  ack: () => void
  /** The broker delivers it again, to this or another consumer. */
  requeue: () => void
}

export interface SubscriptionOptions extends BrokerOptions {
  queue: string
  /** Unacknowledged messages at most. */
  prefetch: number
  logger: Logger
  onDelivery: (delivery: Delivery) => void
  /** The channel of all earlier deliveries is gone. */
  onLost?: () => void
  timing?: {
    /** How often the bindings are redeclared. */
    bindEveryMs?: number
  }
}

/**
 * A healthy queue answers basic.consume in milliseconds; a queue without a leader never answers.
 */
const consumeTimeoutMs = 10_000

/** How long the unacknowledged messages may take at shutdown. */
const finishTimeoutMs = 3_000
const closeTimeoutMs = 1_000

/**
 * Consumes a queue on a connection of its own, until closed.
 *
 * Whatever ends the connection (a broker that dies, a deleted queue), the next attempt begins with
 * the topology, so that it is redeclared at a broker that has lost it. A removed binding ends no
 * connection, though no message comes any more: bindings are redeclared every few seconds.
 */
export class Subscription {
  readonly #options: SubscriptionOptions
  readonly #stop = new AbortController()
  readonly #outage: Outage
  readonly #done: Promise<void>
  #consuming = false

  constructor(options: SubscriptionOptions) {
    this.#options = options
    this.#outage = new Outage({ logger: options.logger, what: 'not consuming' })
    this.#done = reconnect((attempt) => this.#connectAndConsume(attempt), {
      urls: options.url,
      signal: this.#stop.signal,
      outage: this.#outage,
    })
  }

  isConsuming(): boolean {
    return this.#consuming
  }

  /** For a readiness check: throws the reason unless it consumes. */
  assertConsuming(): void {
    this.#outage.assertOver()
    if (!this.#consuming) throw new Error('not consuming yet')
  }

  /**
   * Takes no more messages, and waits (3 s at most) until all are acknowledged or requeued. Waits
   * for an attempt to connect that is under way, too.
   */
  async close(): Promise<void> {
    this.#stop.abort()
    await this.#done
  }

  /** One connection, from connecting to its end. Throws what ended it, unless told to stop. */
  async #connectAndConsume({ url, others, onUp }: Attempt): Promise<void> {
    await declareTopology({ ...this.#options, url })
    if (this.#stop.signal.aborted) return
    const connection = await connectTo(url, this.#options.name)
    const closed = new AbortController()
    const fail = (error?: Error) => closed.abort(error ?? new Error('the connection was closed'))
    for (const event of ['error', 'close']) connection.on(event, fail)
    try {
      const channel = await openChannel(connection)
      for (const event of ['error', 'close']) channel.on(event, fail)
      const until = AbortSignal.any([closed.signal, this.#stop.signal])
      void this.#rebind(connection, until, others > 0 ? fail : () => {})
      await this.#consume(channel, { closedSignal: closed.signal, fail, onUp })
    } finally {
      this.#consuming = false
      closed.abort()
      this.#options.onLost?.()
      void closeConnection(connection)
    }
  }

  async #consume(
    channel: Channel,
    {
      closedSignal,
      fail,
      onUp,
    }: { closedSignal: AbortSignal; fail: (error: Error) => void; onUp: () => void },
  ): Promise<void> {
    const { queue, prefetch, onDelivery, logger } = this.#options
    const stop = this.#stop.signal
    const acks = new AckBatcher(channel)
    const deliveredAfterStop: ConsumeMessage[] = []
    const receive = (message: ConsumeMessage | null) => {
      if (!message) return fail(new Error('the broker has cancelled the consumer'))
      acks.track(message)
      if (stop.aborted) deliveredAfterStop.push(message)
      else onDelivery(deliveryOf(message, acks, closedSignal))
    }
    const consuming = channel.prefetch(prefetch).then(() => channel.consume(queue, receive))
    const work = `consuming ${queue}, which may be without a leader (see docs/operator.md),`
    const answered = withTimeout(consumeTimeoutMs, work, consuming)
    answered.catch(() => {}) // it may reject when nothing waits for it any more
    const closedOrStopping = AbortSignal.any([closedSignal, stop])
    const consumer = await Promise.race([answered, untilAborted(closedOrStopping)])
    if (consumer) {
      onUp()
      this.#consuming = true
      logger.info({ queue }, 'consuming')
      await untilAborted(closedOrStopping)
      this.#consuming = false
    }
    if (closedSignal.aborted) throw closedSignal.reason
    if (!consumer) return
    await this.#finish(channel, closedSignal, async () => {
      await channel.cancel(consumer.consumerTag)
      for (const message of deliveredAfterStop) acks.requeue(message)
      await finishAcknowledging(channel, queue, acks)
    })
  }

  async #finish(
    channel: Channel,
    closedSignal: AbortSignal,
    work: () => Promise<void>,
  ): Promise<void> {
    const finishing = Promise.race([work(), untilAborted(closedSignal)])
    await withTimeout(finishTimeoutMs, 'finishing the unacknowledged messages', finishing).catch(
      (error) => this.#options.logger.warn({ err: error }, 'not all messages were finished'),
    )
    await withTimeout(closeTimeoutMs, 'closing the channel', channel.close())
  }

  /**
   * On a channel of its own: a binding that cannot be declared now must not end consuming. A node
   * that has lost the majority keeps its connections and delivers nothing: `leave` it.
   */
  async #rebind(connection: ChannelModel, signal: AbortSignal, leave: (error: Error) => void) {
    const { bindEveryMs = 10_000 } = this.#options.timing ?? {}
    for (;;) {
      await pause(bindEveryMs, signal)
      if (signal.aborted) return
      await this.#bind(connection).catch(() => {}) // the cause may be gone the next time
      if (this.#options.installation) await assertMajority(connection).catch(leave)
    }
  }

  async #bind(connection: ChannelModel): Promise<void> {
    const channel = await openChannel(connection)
    channel.on('error', () => {})
    for (const { queue, exchange, routingKeys } of this.#options.topology.queues ?? []) {
      for (const key of routingKeys) await channel.bindQueue(queue, exchange, key)
    }
    await channel.close()
  }
}

/** Asks the leader of the queue that is always empty; rejects when it does not answer. */
async function assertMajority(connection: ChannelModel): Promise<void> {
  const ask = async () => {
    const channel = await openChannel(connection)
    channel.on('error', () => {})
    await channel.get(installationQueue, { noAck: true })
    await channel.close()
  }
  const asking = ask().catch(() => {}) // refused is answered
  await withTimeout(consumeTimeoutMs, 'asking whether the node has a majority', asking)
}

const openChannel = (connection: ChannelModel): Promise<Channel> =>
  withTimeout(connectTimeoutMs, 'opening a channel', connection.createChannel())

/**
 * Resolves when every message is answered, and the queue has the answers. Closing a channel does
 * not prove that acks arrived: a quorum queue accepts 32 commands, the channel buffers the rest,
 * and drops them when it is closed. A basic.get after the last ack flushes them; a message that it
 * brings is requeued.
 */
async function finishAcknowledging(
  channel: Channel,
  queue: string,
  acks: AckBatcher,
): Promise<void> {
  const wasEmpty = acks.isEmpty()
  await acks.drained()
  const message = wasEmpty ? false : await channel.get(queue)
  if (message) channel.nack(message)
  await channel.checkQueue(queue)
}

function deliveryOf(
  message: ConsumeMessage,
  acks: AckBatcher,
  closedSignal: AbortSignal,
): Delivery {
  const { properties, fields, content } = message
  /** On a closed channel nothing is answered: the broker redelivers its messages. */
  const unlessLost = (answer: () => void) => () => {
    if (!closedSignal.aborted) answer()
  }
  return {
    content,
    messageId: properties.messageId as string | undefined,
    properties,
    exchange: fields.exchange,
    routingKey: fields.routingKey,
    headers: (properties.headers ?? {}) as Record<string, unknown>,
    isRedelivered: fields.redelivered,
    isLost: () => closedSignal.aborted,
    ack: unlessLost(() => acks.ack(message)),
    requeue: unlessLost(() => acks.requeue(message)),
  }
}
