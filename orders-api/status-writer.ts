import type { WebSocket } from 'ws'

/** What a client may leave unread for a second, and what it may never exceed. */
const slowUnreadBytes = 1_048_576
const maxUnreadBytes = 16 * slowUnreadBytes
/** With no more unread, a client is ready for the next portion of what can wait. */
const drainedBytes = 65_536

/** Sends messages to a client, and cuts off one that leaves too much of it unread. */
export class StatusWriter {
  readonly #client: WebSocket
  #isSuspect = false
  #waiting: (() => void)[] = []

  constructor(client: WebSocket) {
    this.#client = client
    client.on('close', this.#onWritten)
  }

  get isOpen(): boolean {
    return this.#client.readyState === this.#client.OPEN
  }

  write(message: object): void {
    if (!this.isOpen) return
    this.#client.send(JSON.stringify(message), this.#onWritten)
    this.#watchUnread()
  }

  /** Resolves when little is unread, or nothing can be sent any more. */
  async drained(): Promise<void> {
    if (this.#isDrained) return
    await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }

  /** Closes with 1013 (try again later). A client that does not answer is cut: the close frame waits behind what is unread. */
  disconnect(reason: string): void {
    this.#client.close(1013, reason)
    setTimeout(() => this.#client.terminate(), 1_000).unref()
  }

  get #isDrained(): boolean {
    return !this.isOpen || this.#client.bufferedAmount <= drainedBytes
  }

  readonly #onWritten = (): void => {
    if (this.#waiting.length === 0 || !this.#isDrained) return
    for (const resolve of this.#waiting.splice(0)) resolve()
  }

  /** A burst is no crime: a client is slow when the unread is still there a second later. */
  #watchUnread(): void {
    if (this.#client.bufferedAmount > maxUnreadBytes) this.disconnect('too slow')
    if (this.#client.bufferedAmount <= slowUnreadBytes || this.#isSuspect) return
    this.#isSuspect = true
    setTimeout(() => {
      this.#isSuspect = false
      if (this.#client.bufferedAmount > slowUnreadBytes) this.disconnect('too slow')
    }, 1_000).unref()
  }
}
