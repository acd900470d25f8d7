import type { Channel, ChannelModel, ConsumeMessage, MessageProperties } from 'amqplib'
import { within } from '#chassis/deadline.ts'
import type { Logger } from '#chassis/logger.ts'
import { Outage } from '#chassis/outage.ts'
import { pause, untilAborted } from '#chassis/pause.ts'
import { connectTimeoutMs, connectTo, hangUp } from './connection.ts'
import { reconnect } from './reconnect.ts'
import { Settlement } from './settlement.ts'
import { type BrokerOptions, declareTopology } from './topology.ts'

/** A message in our hands: the broker keeps it until we say what became of it. */
export interface Delivery {
  content: Buffer
  messageId: string | undefined
  /** All that the sender wrote, the headers among them. */
  properties: MessageProperties
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
   * Takes no more messages, and waits (3 s at most) until those in our hands are settled; also for an
   * attempt to connect that is under way.
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
      void this.#bindAgain(connection, AbortSignal.any([life.signal, this.#stop.signal]))
      await this.#consume(channel, { life: life.signal, end, onUp })
    } finally {
      this.#consuming = false
      life.abort()
      this.#options.onLost?.()
      void hangUp(connection)
    }
  }

  async #consume(
    channel: Channel,
    { life, end, onUp }: { life: AbortSignal; end: (error: Error) => void; onUp: () => void },
  ): Promise<void> {
    const { queue, prefetch, onDelivery, logger } = this.#options
    const stop = this.#stop.signal
    const settlement = new Settlement(channel)
    const tooLate: ConsumeMessage[] = []
    const receive = (message: ConsumeMessage | null) => {
      if (!message) return end(new Error('the broker has cancelled the consumer'))
      settlement.take(message)
      if (stop.aborted) tooLate.push(message)
      else onDelivery(deliveryOf(message, settlement, life))
    }
    const consuming = channel.prefetch(prefetch).then(() => channel.consume(queue, receive))
    const work = `consuming ${queue}, which may be without a leader (see docs/operator.md),`
    const answered = within(consumeTimeoutMs, work, consuming)
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
      for (const message of tooLate) settlement.requeue(message)
      await finishSettling(channel, queue, settlement)
    })
  }

  async #finish(channel: Channel, life: AbortSignal, work: () => Promise<void>): Promise<void> {
    const finishing = Promise.race([work(), untilAborted(life)])
    await within(finishTimeoutMs, 'finishing what was in hand', finishing).catch((error) =>
      this.#options.logger.warn({ err: error }, 'not all was finished'),
    )
    await within(closeTimeoutMs, 'closing the channel', channel.close())
  }

  /** On a channel of its own: a binding that cannot be declared now says nothing of the queue. */
  async #bindAgain(connection: ChannelModel, over: AbortSignal): Promise<void> {
    const { bindEveryMs = 10_000 } = this.#options
    for (;;) {
      await pause(bindEveryMs, over)
      if (over.aborted) return
      await this.#bind(connection).catch(() => {}) // what hinders it may be over the next time
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
  within(connectTimeoutMs, 'opening a channel', connection.createChannel())

/**
 * Resolves when everything in our hands is settled, and the queue has heard of it. That a channel was
 * closed is no proof: a quorum queue takes 32 commands of a channel at a time, and the channel keeps
 * further ones to itself, until it is told that those are done, or for ever, when it is closed before.
 * A get is done by the queue after them; a message that it brings goes back. Whatever the queue answers
 * after that comes when the channel was told, and has sent the rest.
 */
async function finishSettling(
  channel: Channel,
  queue: string,
  settlement: Settlement,
): Promise<void> {
  const wasEmpty = settlement.isEmpty()
  await settlement.whenEmpty()
  const message = wasEmpty ? false : await channel.get(queue)
  if (message) channel.nack(message)
  await channel.checkQueue(queue)
}

function deliveryOf(message: ConsumeMessage, settlement: Settlement, life: AbortSignal): Delivery {
  const { properties, fields, content } = message
  /** On a lost channel nothing is said: the broker delivers again what was on it. */
  const unlessLost = (settle: () => void) => () => {
    if (!life.aborted) settle()
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
    ack: unlessLost(() => settlement.ack(message)),
    requeue: unlessLost(() => settlement.requeue(message)),
  }
}
