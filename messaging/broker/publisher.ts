import { EventEmitter, once } from 'node:events'
import type { ChannelModel, ConfirmChannel } from 'amqplib'
import type { Logger } from '#chassis/logger.ts'
import { Outage } from '#chassis/outage.ts'
import { withTimeout } from '#chassis/timeout.ts'
import { ConfirmWindow, type OutgoingMessage, type Published } from './confirm-window.ts'
import { closeConnection, connectTimeoutMs, connectTo } from './connection.ts'
import { Isolation } from './isolation.ts'
import { type Life, reconnect } from './reconnect.ts'
import { type BrokerOptions, declareTopology } from './topology.ts'

/** How long the broker may take for a sign of life, after a deadline has passed. */
const answerTimeoutMs = 500

/**
 * Publishes through one confirm channel on a connection of its own, reconnecting for ever, until
 * closed. Opening it never fails: it connects in the background and declares its topology each
 * time.
 */
export class Publisher {
  readonly #options: BrokerOptions & { logger: Logger }
  readonly #stop = new AbortController()
  readonly #events = new EventEmitter().setMaxListeners(0)
  readonly #isolation = new Isolation()
  readonly #outage: Outage
  readonly #done: Promise<void>
  #window: ConfirmWindow | undefined
  #connection: ChannelModel | undefined
  #blocked: string | undefined
  #onUse = () => {}

  constructor(options: BrokerOptions & { logger: Logger }) {
    this.#options = options
    const { logger } = options
    this.#outage = new Outage({ logger, what: 'the broker cannot be reached' })
    this.#done = reconnect((life) => this.#connectAndWait(life), {
      signal: this.#stop.signal,
      outage: this.#outage,
    })
  }

  /** Connected, and not blocked by an alarm of the broker. */
  isReady(): boolean {
    return this.#window?.isClosed === false && this.#blocked === undefined
  }

  /** For a readiness check: throws, saying why, unless it is ready. */
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
   * Publishes all at once and says what the broker did with each. What is unknown is neither
   * confirmed nor failed: the connection is lost, or was not there. Never rejects.
   *
   * At the deadline the broker is asked for a sign of life. One that answers has the messages and
   * does not confirm them, which is a failure (of their queue, perhaps); of one that does not,
   * nothing is known. Either way a new connection is begun.
   */
  async publishAll(messages: OutgoingMessage[], deadlineMs: number): Promise<Published> {
    const window = this.#window
    if (!window) return { confirmed: [], failed: [], unknown: idsOf(messages) }
    const { suspected, late, ...published } = await this.#isolation.publishAll(
      window,
      messages,
      deadlineMs,
    )
    published.unknown.push(...suspected)
    if (published.confirmed.length + published.failed.length > 0) this.#onUse()
    if (late.length === 0) return published
    const isAlive =
      this.#window === window && this.#blocked === undefined && (await this.#answers())
    if (!isAlive) published.unknown.push(...late)
    else {
      const error = `no confirm within ${deadlineMs} ms, though the broker answers`
      published.failed.push(...late.map((id) => ({ id, error })))
    }
    if (this.#blocked === undefined && this.#window === window) this.#disconnect()
    return published
  }

  /** Opens a new connection, and redeclares the topology: a part of it seems to be gone. */
  reconnect(): void {
    this.#disconnect()
  }

  /**
   * Call it when nothing is in flight any more. An attempt to connect that is under way is waited
   * for.
   */
  async close(): Promise<void> {
    this.#stop.abort()
    this.#disconnect()
    await this.#done
  }

  /** One connection, from connecting to its end. */
  async #connectAndWait({ onUp, onUse }: Life): Promise<void> {
    const { name, url, logger } = this.#options
    await declareTopology(this.#options)
    if (this.#stop.signal.aborted) return
    const connection = await connectTo(url, `${name} publish`)
    const closed = new Promise<void>((resolve) => connection.once('close', resolve))
    try {
      const channel = await withTimeout(
        connectTimeoutMs,
        'opening a channel',
        this.#open(connection),
      )
      const channelClosed = new Promise<void>((resolve) => channel.once('close', resolve))
      if (this.#stop.signal.aborted) return
      this.#window = new ConfirmWindow(channel)
      this.#onUse = onUse
      onUp()
      logger.info('connected to the broker')
      this.#events.emit('ready')
      await Promise.race([closed, channelClosed])
      if (!this.#stop.signal.aborted) logger.warn('the connection to the broker was lost')
    } finally {
      this.#window = undefined
      this.#blocked = undefined
      this.#disconnect()
    }
  }

  async #open(connection: ChannelModel): Promise<ConfirmChannel> {
    this.#connection = connection
    connection.on('error', (error) => {
      this.#window?.closedBecause(error)
      this.#options.logger.warn({ err: error }, 'broker error')
    })
    connection.on('blocked', (reason: string) => {
      this.#blocked = reason
      this.#options.logger.warn({ reason }, 'the broker takes no messages')
    })
    connection.on('unblocked', () => {
      this.#blocked = undefined
      this.#events.emit('ready')
    })
    const channel = await connection.createConfirmChannel()
    channel.on('error', (error) => this.#options.logger.warn({ err: error }, 'channel error'))
    return channel
  }

  /** Whether the broker opens a channel, which needs no queue and no right. */
  async #answers(): Promise<boolean> {
    try {
      const opening = this.#connection?.createChannel()
      if (!opening) return false
      await withTimeout(answerTimeoutMs, 'a sign of life', opening)
      return true
    } catch {
      return false
    }
  }

  #disconnect(): void {
    const connection = this.#connection
    this.#connection = undefined
    this.#window = undefined
    if (connection) void closeConnection(connection)
  }
}

const idsOf = (messages: OutgoingMessage[]) => messages.map(({ id }) => id)
