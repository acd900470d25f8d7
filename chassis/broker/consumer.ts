import type { Channel, ChannelModel, ConsumeMessage } from 'amqplib'
import { within } from '../deadline.ts'
import type { Logger } from '../logger.ts'
import { pause, untilAborted } from '../pause.ts'
import { connectTimeoutMs, connectTo, hangUp } from './connection.ts'
import { reconnect } from './reconnect.ts'
import { Settlement } from './settlement.ts'
import { type BrokerOptions, declareTopology } from './topology.ts'

/** A message in our hands: the broker keeps it until we say what became of it. */
export interface Delivery {
  content: Buffer
  messageId: string | undefined
  type: string | undefined
  contentType: string | undefined
  exchange: string
  routingKey: string
  headers: Record<string, unknown>
  /** It was in somebody's hands before, who did not settle it. */
  isRedelivered: boolean
  /** The channel is gone: the broker will deliver it again, and nothing that we say matters. */
  isLost: () => boolean
  ack: () => void
  /** Gives it back, for this or another consumer. */
  requeue: () => void
}

export interface SubscriptionOptions extends BrokerOptions {
  queue: string
  /** Most messages in our hands at a time. */
  prefetch: number
  logger: Logger
  onDelivery: (delivery: Delivery) => void
  /** What was delivered until now is lost, and will come again. */
  onLost?: () => void
  /** How often the bindings are declared while we consume. */
  bindEveryMs?: number
}

/** A queue that serves lets us consume within milliseconds; one without a leader never answers. */
const consumeTimeoutMs = 10_000

/** How long what is in our hands may take when we stop. */
const finishTimeoutMs = 3_000
const closeTimeoutMs = 1_000

/**
 * Consumes a queue on a connection of its own, until closed.
 *
 * Whatever ends it (a lost connection, a deleted queue), it begins again from declaring and
 * connecting, so that a broker which came back empty is furnished anew. A binding that somebody
 * removed ends nothing, though no message comes any more: so it is declared again every few seconds.
 */
export class Subscription {
  readonly #options: SubscriptionOptions
  readonly #stop = new AbortController()
  readonly #done: Promise<void>
  #consuming = false

  constructor(options: SubscriptionOptions) {
    this.#options = options
    this.#done = reconnect((onUp) => this.#connectAndConsume(onUp), {
      signal: this.#stop.signal,
      logger: options.logger,
      failure: 'not consuming, will retry',
    })
  }

  isConsuming(): boolean {
    return this.#consuming
  }

  /** Takes no more messages, and waits (3 s at most) until those in our hands are settled. */
  async close(): Promise<void> {
    this.#stop.abort()
    await this.#done
  }

  /** One connection, from connecting to its end. Throws what ended it, unless we were told to. */
  async #connectAndConsume(onUp: () => void): Promise<void> {
    const { name, url } = this.#options
    await declareTopology(this.#options)
    const connection = await connectTo(url, name)
    const life = new AbortController()
    const end = (error?: Error) => life.abort(error ?? new Error('the connection was closed'))
    for (const event of ['error', 'close']) connection.on(event, end)
    try {
      const channel = await this.#openChannel(connection, end)
      await this.#consume(channel, { life: life.signal, end, onUp })
    } finally {
      this.#consuming = false
      life.abort()
      this.#options.onLost?.()
      hangUp(connection)
    }
  }

  async #consume(
    channel: Channel,
    { life, end, onUp }: { life: AbortSignal; end: (error: Error) => void; onUp: () => void },
  ): Promise<void> {
    const { queue, prefetch, onDelivery, logger } = this.#options
    const settlement = new Settlement(channel)
    const receive = (message: ConsumeMessage | null) => {
      if (!message) return end(new Error('the broker has cancelled the consumer'))
      settlement.take(message)
      if (this.#stop.signal.aborted) settlement.requeue(message)
      else onDelivery(deliveryOf(message, settlement, life))
    }
    const consuming = channel.prefetch(prefetch).then(() => channel.consume(queue, receive))
    const work = `consuming ${queue}, which may be without a leader (see docs/operator.md),`
    const { consumerTag } = await within(consumeTimeoutMs, work, consuming)
    onUp()
    this.#consuming = true
    logger.info({ queue }, 'consuming')
    const over = AbortSignal.any([life, this.#stop.signal])
    void this.#bindAgain(channel, over).catch(end)
    await untilAborted(over)
    this.#consuming = false
    if (life.aborted) throw life.reason
    await this.#finish(channel, consumerTag, settlement)
  }

  /** Closing the channel is answered when all that was said on it is heard. */
  async #finish(channel: Channel, consumerTag: string, settlement: Settlement): Promise<void> {
    const finishing = channel.cancel(consumerTag).then(() => settlement.whenEmpty())
    await within(finishTimeoutMs, 'finishing what was in hand', finishing)
      .catch((error) => this.#options.logger.warn({ err: error }, 'not all was finished'))
      .then(() => within(closeTimeoutMs, 'closing the channel', channel.close()))
  }

  async #openChannel(connection: ChannelModel, end: (error: Error) => void): Promise<Channel> {
    const opening = connection.createChannel()
    const channel = await within(connectTimeoutMs, 'opening a channel', opening)
    for (const event of ['error', 'close']) channel.on(event, end)
    return channel
  }

  /** A binding that cannot be declared ends the channel: what it needs is declared by the next one. */
  async #bindAgain(channel: Channel, over: AbortSignal): Promise<void> {
    const { topology, bindEveryMs = 10_000 } = this.#options
    for (;;) {
      await pause(bindEveryMs, over)
      for (const { queue, exchange, routingKeys } of topology.queues ?? []) {
        for (const key of routingKeys) {
          if (over.aborted) return
          await channel.bindQueue(queue, exchange, key)
        }
      }
      if (over.aborted) return
    }
  }
}

function deliveryOf(message: ConsumeMessage, settlement: Settlement, life: AbortSignal): Delivery {
  const { properties, fields, content } = message
  /** On a lost channel nothing is said: the broker delivers what was on it again. */
  const unlessLost = (settle: () => void) => () => {
    if (!life.aborted) settle()
  }
  return {
    content,
    messageId: properties.messageId as string | undefined,
    type: properties.type as string | undefined,
    contentType: properties.contentType as string | undefined,
    exchange: fields.exchange,
    routingKey: fields.routingKey,
    headers: (properties.headers ?? {}) as Record<string, unknown>,
    isRedelivered: fields.redelivered,
    isLost: () => life.aborted,
    ack: unlessLost(() => settlement.ack(message)),
    requeue: unlessLost(() => settlement.requeue(message)),
  }
}
