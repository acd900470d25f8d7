import { EventEmitter, once } from 'node:events'
import type { ChannelModel, ConfirmChannel } from 'amqplib'
import { within } from '../deadline.ts'
import { AppError } from '../errors.ts'
import type { Logger } from '../logger.ts'
import { ConfirmWindow, type OutgoingMessage, type Published } from './confirm-window.ts'
import { connectTimeoutMs, connectTo, hangUp } from './connection.ts'
import { reconnect } from './reconnect.ts'
import { type BrokerOptions, declareTopology } from './topology.ts'

/**
 * Publishes through one confirm channel on a connection of its own, reconnecting for ever, until
 * closed. Opening it never fails: it connects in the background and declares its topology each time.
 */
export class Publisher {
  readonly #options: BrokerOptions & { logger: Logger }
  readonly #stop = new AbortController()
  readonly #events = new EventEmitter().setMaxListeners(0)
  readonly #done: Promise<void>
  #window: ConfirmWindow | undefined
  #connection: ChannelModel | undefined
  #blocked = false

  constructor(options: BrokerOptions & { logger: Logger }) {
    this.#options = options
    this.#done = reconnect((onUp) => this.#connectAndWait(onUp), {
      signal: this.#stop.signal,
      logger: options.logger,
      failure: 'the broker cannot be reached, will retry',
    })
  }

  /** Connected, and not blocked by an alarm of the broker. */
  isReady(): boolean {
    return this.#window !== undefined && !this.#blocked
  }

  /** Waits until `isReady`, or until the signal is aborted. Never rejects. */
  async whenReady(signal: AbortSignal): Promise<void> {
    while (!this.isReady() && !signal.aborted) {
      await once(this.#events, 'ready', { signal }).catch(() => {})
    }
  }

  /**
   * Publishes all at once and says which the broker took. A message counts only when it was
   * confirmed and not returned as unroutable; whatever is unknown at the deadline counts as failed,
   * though it may yet arrive. Rejects with `unavailable` when there is no connection.
   */
  async publishAll(messages: OutgoingMessage[], deadlineMs: number): Promise<Published> {
    const window = this.#window
    if (!window) throw new AppError('unavailable', 'The broker cannot be reached')
    const published = await window.publishAll(messages, deadlineMs)
    if (published.late && !this.#blocked) this.#hangUp()
    return published
  }

  /** Begins a new connection, and declares the topology anew: something of it seems to be gone. */
  reconnect(): void {
    this.#hangUp()
  }

  /** Call it when nothing is in flight any more. An attempt to connect that is under way is waited for. */
  async close(): Promise<void> {
    this.#stop.abort()
    this.#hangUp()
    await this.#done
  }

  /** One connection, from connecting to its end. */
  async #connectAndWait(onUp: () => void): Promise<void> {
    const { name, url, logger } = this.#options
    await declareTopology(this.#options)
    if (this.#stop.signal.aborted) return
    const connection = await connectTo(url, `${name} publish`)
    const closed = new Promise<void>((resolve) => connection.once('close', resolve))
    try {
      const channel = await within(connectTimeoutMs, 'opening a channel', this.#open(connection))
      const channelClosed = new Promise<void>((resolve) => channel.once('close', resolve))
      if (this.#stop.signal.aborted) return
      this.#window = new ConfirmWindow(channel)
      onUp()
      logger.info('connected to the broker')
      this.#events.emit('ready')
      await Promise.race([closed, channelClosed])
      if (!this.#stop.signal.aborted) logger.warn('the connection to the broker was lost')
    } finally {
      this.#window = undefined
      this.#blocked = false
      this.#hangUp()
    }
  }

  async #open(connection: ChannelModel): Promise<ConfirmChannel> {
    this.#connection = connection
    connection.on('error', (error) => this.#options.logger.warn({ err: error }, 'broker error'))
    connection.on('blocked', (reason) => {
      this.#blocked = true
      this.#options.logger.warn({ reason }, 'the broker takes no messages')
    })
    connection.on('unblocked', () => {
      this.#blocked = false
      this.#events.emit('ready')
    })
    const channel = await connection.createConfirmChannel()
    channel.on('error', (error) => this.#options.logger.warn({ err: error }, 'channel error'))
    return channel
  }

  #hangUp(): void {
    const connection = this.#connection
    this.#connection = undefined
    this.#window = undefined
    if (connection) void hangUp(connection)
  }
}
