import type { WebSocket } from 'ws'

/** What a client may leave unread for a second, and what it may never exceed. */
const slowUnreadBytes = 1_048_576
const maxUnreadBytes = 16 * slowUnreadBytes
/** With no more unread, a client is ready for the next page of a snapshot. */
const drainedBytes = 65_536

/**
 * Writes messages to a client, with backpressure: a client that leaves too much unread is
 * disconnected.
 */
export class ConnectionWriter {
  readonly #client: WebSocket
  readonly #onSlow: (() => void) | undefined
  #isOverLimit = false
  #waiting: (() => void)[] = []

  /** `onSlow` is called when the client is disconnected because it does not read. */
  constructor(client: WebSocket, onSlow?: () => void) {
    this.#client = client
    this.#onSlow = onSlow
    client.on('close', this.#onWritten)
  }

  get isOpen(): boolean {
    return this.#client.readyState === this.#client.OPEN
  }

  write(message: object): void {
    if (!this.isOpen) return
    this.#client.send(JSON.stringify(message), this.#onWritten)
    this.#checkBackpressure()
  }

  /** Resolves when little is unread, or nothing can be sent any more. */
  async drained(): Promise<void> {
    if (this.#isDrained) return
    await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }

  /**
   * Closes, with 1013 (try again later) if nothing else is said. The close frame waits behind what
   * is unread, so a client that does not answer within a second is terminated.
   */
  disconnect(reason: string, code = 1013): void {
    this.#client.close(code, reason)
    setTimeout(() => this.#client.terminate(), 1_000).unref()
  }

  get #isDrained(): boolean {
    return !this.isOpen || this.#client.bufferedAmount <= drainedBytes
  }

  readonly #onWritten = (): void => {
    if (this.#waiting.length === 0 || !this.#isDrained) return
    for (const resolve of this.#waiting.splice(0)) resolve()
  }

  /**
   * A burst is allowed: a client is slow when it is over the limit still (or again) a second later.
   */
  #checkBackpressure(): void {
    if (this.#client.bufferedAmount > maxUnreadBytes) this.#disconnectSlowConsumer()
    if (this.#client.bufferedAmount <= slowUnreadBytes || this.#isOverLimit) return
    this.#isOverLimit = true
    setTimeout(() => {
      this.#isOverLimit = false
      if (this.#client.bufferedAmount > slowUnreadBytes) this.#disconnectSlowConsumer()
    }, 1_000).unref()
  }

  #disconnectSlowConsumer(): void {
    if (this.isOpen) this.#onSlow?.()
    this.disconnect('too slow')
  }
}
