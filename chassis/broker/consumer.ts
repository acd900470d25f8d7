import type { Message } from 'amqplib'
import type { AckOrNack, SubscriberSessionAsPromised } from 'rascal'
import { within } from '../deadline.ts'
import type { Logger } from '../logger.ts'
import { pause, untilAborted } from '../pause.ts'
import { reconnect } from './reconnect.ts'
import { type BrokerOptions, closeBroker, declareTopology, openBroker } from './topology.ts'

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
  /** How often the topology is declared while we consume. */
  declareEveryMs?: number
}

/** A queue that serves lets us consume within milliseconds; one without a leader never answers. */
const consumeTimeoutMs = 10_000

/** Rascal waits 3 s for what is in hand, see topology.ts; then for an answer, for ever. */
const cancelTimeoutMs = 4_000

/**
 * Consumes a queue through rascal on a connection of its own, until closed.
 *
 * Whatever ends it (a lost connection, a deleted queue), it begins again from connecting and
 * declaring, so that a broker which came back empty is furnished anew. A binding that somebody
 * removed ends nothing, though no message comes any more: so it is declared again every few seconds.
 */
export class Subscription {
  readonly #options: SubscriptionOptions
  readonly #stop = new AbortController()
  readonly #done: Promise<void>
  #consuming = false

  constructor(options: SubscriptionOptions) {
    this.#options = options
    this.#done = reconnect((onUp) => this.#consumeOnce(onUp), {
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
  async #consumeOnce(onUp: () => void): Promise<void> {
    const { queue, prefetch, logger } = this.#options
    const broker = await openBroker(this.#options, { queue, prefetch })
    const life = new AbortController()
    const end = (error?: Error) => life.abort(error ?? new Error('the connection was closed'))
    for (const event of ['error', 'disconnect', 'close']) broker.on(event, end)
    const late = setTimeout(() => end(silent(queue)), consumeTimeoutMs)
    try {
      const session = await broker.subscribe(queue)
      for (const event of ['error', 'cancelled', 'close']) session.on(event as 'error', end)
      session.on('subscribed' as 'message', () => {
        clearTimeout(late)
        onUp()
        this.#consuming = true
        logger.info({ queue }, 'consuming')
      })
      this.#receive(session, life.signal)
      void this.#declareAgain(life.signal)
      await untilAborted(AbortSignal.any([life.signal, this.#stop.signal]))
      this.#consuming = false
      if (life.signal.aborted) throw life.signal.reason
      await within(cancelTimeoutMs, 'finishing what was in hand', session.cancel())
    } finally {
      clearTimeout(late)
      this.#consuming = false
      life.abort()
      this.#options.onLost?.()
      await closeBroker(broker)
    }
  }

  /** What hinders it is found out by the connection that consumes, or the next time. */
  async #declareAgain(life: AbortSignal): Promise<void> {
    const over = AbortSignal.any([life, this.#stop.signal])
    for (;;) {
      await pause(this.#options.declareEveryMs ?? 10_000, over)
      if (over.aborted) return
      await declareTopology(this.#options).catch(() => {})
    }
  }

  /** `invalid_content` and its like carry messages too; they must never end as a silent nack. */
  #receive(session: SubscriberSessionAsPromised, life: AbortSignal): void {
    const receive = (message: Message, ackOrNack: AckOrNack) =>
      this.#options.onDelivery(deliveryOf(message, ackOrNack, life))
    for (const event of [
      'invalid_content',
      'redeliveries_exceeded',
      'redeliveries_error',
    ] as const) {
      session.on(event, (_error: Error, message: Message, ackOrNack: AckOrNack) =>
        receive(message, ackOrNack),
      )
    }
    session.on('message', (message, _content, ackOrNack) => receive(message as Message, ackOrNack))
  }
}

const silent = (queue: string): Error =>
  new Error(
    `${queue} has not answered for ${consumeTimeoutMs} ms: it may be without a leader, see docs/operator.md`,
  )

/** What rascal takes, which its types do not say: a callback for "the channel has been closed". */
type Settle = (error: Error | undefined, recovery: object | undefined, next: () => void) => void

function deliveryOf(message: Message, ackOrNack: AckOrNack, life: AbortSignal): Delivery {
  const { properties, fields, content } = message
  const { rascal: _, ...headers } = (properties.headers ?? {}) as Record<string, unknown>
  const ignore = () => {} // a lost channel: the broker delivers it again
  const settle = (error?: Error, recovery?: object) => {
    if (life.aborted) return
    try {
      ;(ackOrNack as unknown as Settle)(error, recovery, ignore)
    } catch {
      // a channel that is just closing, which is the same
    }
  }
  return {
    content,
    messageId: properties.messageId as string | undefined,
    type: properties.type as string | undefined,
    contentType: properties.contentType as string | undefined,
    exchange: fields.exchange,
    routingKey: fields.routingKey,
    headers,
    isRedelivered: fields.redelivered,
    isLost: () => life.aborted,
    ack: () => settle(),
    requeue: () => settle(new Error('given back'), { strategy: 'nack', requeue: true }),
  }
}
