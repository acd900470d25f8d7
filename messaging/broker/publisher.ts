import { EventEmitter, once } from 'node:events'
import type { ChannelModel, ConfirmChannel } from 'amqplib'
import type { Logger } from '#chassis/logger.ts'
import { Outage } from '#chassis/outage.ts'
import { pause } from '#chassis/pause.ts'
import { withTimeout } from '#chassis/timeout.ts'
import type { Observer } from '../observer.ts'
import { ConfirmTracker, type Published } from './confirm-tracker.ts'
import { closeConnection, connectTimeoutMs, connectTo } from './connection.ts'
import { Isolation } from './isolation.ts'
import type { OutgoingMessage } from './outgoing-message.ts'
import { type Attempt, reconnect } from './reconnect.ts'
import { type BrokerOptions, declareTopology } from './topology.ts'

/** How long the broker may take to open a channel, after messages were not confirmed in time. */
const answerTimeoutMs = 500

export interface PublisherOptions extends BrokerOptions {
  logger: Logger
  /** How many events share a message, of those that may; 1, the default: none. */
  eventsPerMessage?: number
  observer?: Pick<Observer, 'sent'> | undefined
  /** How often an alarm of the broker is logged again: once a minute by default. */
  remindMs?: number
}

/**
 * Publishes through one confirm channel on a connection of its own, reconnecting for ever, until
 * closed. The constructor never fails: the publisher connects in the background, and declares its
 * topology at each connect. `ConfirmTracker` has the messages in flight. Messages for one of which
 * the broker has closed the channel are published alone afterwards (`Isolation`).
 */
export class Publisher {
  readonly #options: PublisherOptions
  readonly #stop = new AbortController()
  readonly #events = new EventEmitter().setMaxListeners(0)
  readonly #isolation = new Isolation()
  readonly #outage: Outage
  readonly #alarm: Outage
  readonly #done: Promise<void>
  #tracker: ConfirmTracker | undefined
  #connection: ChannelModel | undefined
  #blocked: string | undefined
  /** Nodes in a row that took no messages. */
  #blockedNodes = 0
  #onSuccess = () => {}

  constructor(options: PublisherOptions) {
    this.#options = options
    const { logger, remindMs = 60_000 } = options
    this.#outage = new Outage({
      logger,
      what: 'no connection to RabbitMQ, or topology refused',
    })
    this.#alarm = new Outage({ logger, what: 'the broker takes no messages', everyMs: remindMs })
    this.#done = reconnect((attempt) => this.#connectAndWait(attempt), {
      urls: options.url,
      signal: this.#stop.signal,
      outage: this.#outage,
    })
  }

  /** Connected, and not blocked by an alarm of the broker. */
  isReady(): boolean {
    return this.#tracker?.isClosed === false && this.#blocked === undefined
  }

  /** For a readiness check: throws the reason unless the publisher is ready. */
  assertReady(): void {
    this.#outage.assertOver()
    if (this.#blocked !== undefined) throw new Error(`the broker is blocked: ${this.#blocked}`)
    if (!this.isReady()) throw new Error('not connected to the broker yet')
  }

  /** Waits until `isReady`, or until the signal is aborted. Never rejects. */
  async whenReady(signal: AbortSignal): Promise<void> {
    while (!this.isReady() && !signal.aborted) {
      await once(this.#events, 'ready', { signal }).catch(() => {})
    }
  }

  /**
   * Publishes all messages at once, and returns the outcome of each. Never rejects.
   *
   *     what happens to a message                      outcome                the relay
   *     confirmed                                      confirmed              marks the row
   *     returned as unroutable, then confirmed         failed                 counts, delays
   *     refused (basic.nack), or cannot be encoded     failed                 counts, delays
   *     channel closed by an error, alone in flight    failed                 counts, delays
   *     channel closed by an error, others in flight   suspected → unknown    publishes it alone
   *     connection lost, or none                       unknown                leaves the row
   *     no confirm in time, broker opens a channel     unconfirmed → failed   counts, delays
   *     no confirm in time, broker silent or blocked   unconfirmed → unknown  leaves the row
   *
   * If the broker opens a channel within 0.5 s, unconfirmed messages failed (their queue may have
   * no leader); otherwise they are unknown. Either way a new connection follows, unless the broker
   * is blocked.
   */
  async publishAll(messages: OutgoingMessage[], deadlineMs: number): Promise<Published> {
    const startMs = performance.now()
    const outcomes = await this.#publishAll(messages, deadlineMs)
    if (messages.length > 0)
      this.#options.observer?.sent?.({ messages, outcomes, ms: performance.now() - startMs })
    return outcomes
  }

  async #publishAll(messages: OutgoingMessage[], deadlineMs: number): Promise<Published> {
    const tracker = this.#tracker
    if (!tracker) return { confirmed: [], failed: [], unknown: idsOf(messages) }
    const { suspected, unconfirmed, ...published } = await this.#isolation.publishAll(
      tracker,
      messages,
      deadlineMs,
    )
    published.unknown.push(...suspected)
    if (published.confirmed.length + published.failed.length > 0) this.#onSuccess()
    if (unconfirmed.length === 0) return published
    const isAlive =
      this.#tracker === tracker && this.#blocked === undefined && (await this.#answers())
    if (!isAlive) published.unknown.push(...unconfirmed)
    else {
      const error = `no confirm within ${deadlineMs} ms, though the broker answers`
      published.failed.push(
        ...unconfirmed.map((id) => ({ id, error, cause: 'unconfirmed' as const })),
      )
    }
    if (this.#blocked === undefined && this.#tracker === tracker) this.#disconnect()
    return published
  }

  /** Opens a new connection, which redeclares the topology: a part of it seems to be gone. */
  reconnect(): void {
    this.#disconnect()
  }

  /** Call it when nothing is in flight. Waits for an attempt to connect that is under way. */
  async close(): Promise<void> {
    this.#stop.abort()
    this.#disconnect()
    await this.#done
  }

  /** One connection, from connecting to its end. Throws what prevented it. */
  async #connectAndWait({ url, others, onUp, onSuccess }: Attempt): Promise<void> {
    const { name, logger } = this.#options
    await declareTopology({ ...this.#options, url })
    if (this.#stop.signal.aborted) return
    const connection = await connectTo(url, `${name} publish`)
    const closed = new Promise<void>((resolve) => connection.once('close', resolve))
    try {
      const channel = await withTimeout(
        connectTimeoutMs,
        'opening a channel',
        this.#open(connection, others),
      )
      const channelClosed = new Promise<void>((resolve) => channel.once('close', resolve))
      if (this.#stop.signal.aborted) return
      this.#tracker = new ConfirmTracker(channel, this.#options.eventsPerMessage)
      this.#onSuccess = () => {
        this.#blockedNodes = 0
        onSuccess()
      }
      onUp()
      logger.info('connected to the broker')
      this.#events.emit('ready')
      await Promise.race([closed, channelClosed])
      if (!this.#stop.signal.aborted) logger.warn('the connection to the broker was lost')
    } finally {
      this.#tracker = undefined
      this.#unblock()
      this.#disconnect()
    }
  }

  /** A node with an alarm is left for another; when all of them have one, it waits at the last. */
  async #open(connection: ChannelModel, others: number): Promise<ConfirmChannel> {
    this.#connection = connection
    connection.on('error', (error) => {
      this.#tracker?.closedBecause(error)
      this.#options.logger.warn({ err: error }, 'broker error')
    })
    connection.on('blocked', (reason: string) => {
      if (this.#blockedNodes < others) {
        this.#blockedNodes++
        this.#options.logger.warn({ reason }, 'the node takes no messages: trying another one')
        return this.#disconnect()
      }
      const isNew = this.#blocked === undefined
      this.#blocked = reason
      if (isNew) void this.#reportWhileBlocked()
    })
    connection.on('unblocked', () => {
      this.#unblock()
      this.#events.emit('ready')
    })
    const channel = await connection.createConfirmChannel()
    channel.on('error', (error) => this.#options.logger.warn({ err: error }, 'channel error'))
    return channel
  }

  /** An alarm is logged again while it lasts, though nothing else happens meanwhile. */
  async #reportWhileBlocked(): Promise<void> {
    const { remindMs = 60_000 } = this.#options
    while (this.#blocked !== undefined && !this.#stop.signal.aborted) {
      this.#alarm.failed(new Error(this.#blocked))
      await pause(Math.min(remindMs, 5_000), this.#stop.signal)
    }
  }

  #unblock(): void {
    this.#blocked = undefined
    if (!this.#stop.signal.aborted) this.#alarm.over()
  }

  /** Whether the broker opens a channel, which needs no queue and no permission. */
  async #answers(): Promise<boolean> {
    try {
      const opening = this.#connection?.createChannel()
      if (!opening) return false
      await withTimeout(answerTimeoutMs, 'opening a channel', opening)
      return true
    } catch {
      return false
    }
  }

  #disconnect(): void {
    const connection = this.#connection
    this.#connection = undefined
    this.#tracker = undefined
    if (connection) void closeConnection(connection)
  }
}

const idsOf = (messages: OutgoingMessage[]) => messages.map(({ id }) => id)
