import type { Channel, ChannelModel, ConsumeMessage, MessageProperties } from 'amqplib'
import type { Logger } from '#chassis/logger.ts'
import { Outage } from '#chassis/outage.ts'
import { pause, untilAborted } from '#chassis/pause.ts'
import { withTimeout } from '#chassis/timeout.ts'
import { AckBatcher } from './ack-batcher.ts'
import { closeConnection, connectTimeoutMs, connectTo } from './connection.ts'
import { reconnect } from './reconnect.ts'
import { type BrokerOptions, declareTopology } from './topology.ts'

/** A delivered message: the broker keeps it until it is acknowledged or requeued. */
export interface Delivery {
  content: Buffer
  messageId: string | undefined
  /** All that the sender wrote, the headers among them. */
  properties: MessageProperties
  exchange: string
  routingKey: string
  headers: Record<string, unknown>
  /** A consumer had it before, and did not acknowledge it. */
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
  /** Most unacknowledged messages. */
  prefetch: number
  logger: Logger
  onDelivery: (delivery: Delivery) => void
  /** The channel of all deliveries until now is gone. */
  onLost?: () => void
  timing?: {
    /** How often the bindings are redeclared. */
    bindEveryMs?: number
  }
}

/** A queue that serves lets us consume within milliseconds; one without a leader never answers. */
const consumeTimeoutMs = 10_000

/** How long the unacknowledged messages may take at shutdown. */
const finishTimeoutMs = 3_000
const closeTimeoutMs = 1_000

/**
 * Consumes a queue on a connection of its own, until closed.
 *
 * Whatever ends it (a lost connection, a deleted queue), it begins again from declaring and
 * connecting, so that the topology is redeclared at a broker that has lost it. A removed binding
 * ends nothing, though no message comes any more: bindings are redeclared every few seconds.
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
    this.#done = reconnect(({ onUp }) => this.#connectAndConsume(onUp), {
      signal: this.#stop.signal,
      outage: this.#outage,
    })
  }

  isConsuming(): boolean {
    return this.#consuming
  }

  /** For a readiness check: throws, saying why, unless it consumes. */
  assertConsuming(): void {
    this.#outage.assertOver()
    if (!this.#consuming) throw new Error('not consuming yet')
  }

  /**
   * Takes no more messages, and waits (3 s at most) until all are acknowledged or requeued; also
   * for an attempt to connect that is under way.
   */
  async close(): Promise<void> {
    this.#stop.abort()
    await this.#done
  }

  /** One connection, from connecting to its end. Throws what ended it, unless we were told to. */
  async #connectAndConsume(onUp: () => void): Promise<void> {
    const { name, url } = this.#options
    await declareTopology(this.#options)
    if (this.#stop.signal.aborted) return
    const connection = await connectTo(url, name)
    const life = new AbortController()
    const end = (error?: Error) => life.abort(error ?? new Error('the connection was closed'))
    for (const event of ['error', 'close']) connection.on(event, end)
    try {
      const channel = await openChannel(connection)
      for (const event of ['error', 'close']) channel.on(event, end)
      void this.#rebind(connection, AbortSignal.any([life.signal, this.#stop.signal]))
      await this.#consume(channel, { life: life.signal, end, onUp })
    } finally {
      this.#consuming = false
      life.abort()
      this.#options.onLost?.()
      void closeConnection(connection)
    }
  }

  async #consume(
    channel: Channel,
    { life, end, onUp }: { life: AbortSignal; end: (error: Error) => void; onUp: () => void },
  ): Promise<void> {
    const { queue, prefetch, onDelivery, logger } = this.#options
    const stop = this.#stop.signal
    const acks = new AckBatcher(channel)
    const tooLate: ConsumeMessage[] = []
    const receive = (message: ConsumeMessage | null) => {
      if (!message) return end(new Error('the broker has cancelled the consumer'))
      acks.track(message)
      if (stop.aborted) tooLate.push(message)
      else onDelivery(deliveryOf(message, acks, life))
    }
    const consuming = channel.prefetch(prefetch).then(() => channel.consume(queue, receive))
    const work = `consuming ${queue}, which may be without a leader (see docs/operator.md),`
    const answered = withTimeout(consumeTimeoutMs, work, consuming)
    answered.catch(() => {}) // should it come when nobody waits any more
    const over = AbortSignal.any([life, stop])
    const consumer = await Promise.race([answered, untilAborted(over)])
    if (consumer) {
      onUp()
      this.#consuming = true
      logger.info({ queue }, 'consuming')
      await untilAborted(over)
      this.#consuming = false
    }
    if (life.aborted) throw life.reason
    if (!consumer) return
    await this.#finish(channel, life, async () => {
      await channel.cancel(consumer.consumerTag)
      for (const message of tooLate) acks.requeue(message)
      await finishAcknowledging(channel, queue, acks)
    })
  }

  async #finish(channel: Channel, life: AbortSignal, work: () => Promise<void>): Promise<void> {
    const finishing = Promise.race([work(), untilAborted(life)])
    await withTimeout(finishTimeoutMs, 'finishing the unacknowledged messages', finishing).catch(
      (error) => this.#options.logger.warn({ err: error }, 'not all messages were finished'),
    )
    await withTimeout(closeTimeoutMs, 'closing the channel', channel.close())
  }

  /** On a channel of its own: a binding that cannot be declared now says nothing of the queue. */
  async #rebind(connection: ChannelModel, over: AbortSignal): Promise<void> {
    const { bindEveryMs = 10_000 } = this.#options.timing ?? {}
    for (;;) {
      await pause(bindEveryMs, over)
      if (over.aborted) return
      await this.#bind(connection).catch(() => {}) // the cause may be gone the next time
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

const openChannel = (connection: ChannelModel): Promise<Channel> =>
  withTimeout(connectTimeoutMs, 'opening a channel', connection.createChannel())

/**
 * Resolves when every message is answered, and the queue has the answers. That a channel was closed
 * is no proof: a quorum queue takes 32 commands of a channel at a time, and the channel keeps
 * further ones to itself, until it is told that those are done, or for ever, when it is closed
 * before. A get is done by the queue after them; a message that it brings goes back. Whatever the
 * queue answers after that comes when the channel was told, and has sent the rest.
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

function deliveryOf(message: ConsumeMessage, acks: AckBatcher, life: AbortSignal): Delivery {
  const { properties, fields, content } = message
  /** On a lost channel nothing is answered: the broker redelivers its messages. */
  const unlessLost = (answer: () => void) => () => {
    if (!life.aborted) answer()
  }
  return {
    content,
    messageId: properties.messageId as string | undefined,
    properties,
    exchange: fields.exchange,
    routingKey: fields.routingKey,
    headers: (properties.headers ?? {}) as Record<string, unknown>,
    isRedelivered: fields.redelivered,
    isLost: () => life.aborted,
    ack: unlessLost(() => acks.ack(message)),
    requeue: unlessLost(() => acks.requeue(message)),
  }
}
