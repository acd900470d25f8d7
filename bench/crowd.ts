import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { WebSocket } from 'ws'

/** Soon, and not all in one moment: the harness, which has all of them, could do nothing else. */
const retryMs = () => 100 + Math.random() * 400
const openingAtOnce = 200

/** Many WebSockets to one gateway. */
export class Crowd {
  readonly #url: string
  readonly #sockets = new Set<WebSocket>()
  #isClosed = false

  constructor(gateway: string) {
    this.#url = `${gateway.replace(/^http/, 'ws')}/orders/ws`
  }

  get size(): number {
    return this.#sockets.size
  }

  /** Opens so many that say nothing. */
  async openSilent(count: number): Promise<void> {
    for (let opened = 0; opened < count; opened += openingAtOnce) {
      const batch = Array.from({ length: Math.min(openingAtOnce, count - opened) }, () =>
        once(this.#open(''), 'open'),
      )
      await Promise.all(batch)
    }
  }

  /**
   * Subscribes each user on a connection of its own, and again whenever the connection is lost;
   * `onServed` is called for each order that is told.
   */
  subscribe(userIds: string[], onServed: () => void): void {
    for (const userId of userIds) this.#keep(`?user_id=${userId}`, onServed)
  }

  /** Sends what is no request as fast as it is taken, on a new connection after each. */
  async flood(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const socket = this.#open('')
      await once(socket, 'open').catch(() => {})
      while (socket.readyState === WebSocket.OPEN && !signal.aborted) {
        for (let n = 0; n < 500; n++) socket.send('no json')
        await sleep(1)
      }
      socket.terminate()
    }
  }

  close(): void {
    this.#isClosed = true
    for (const socket of this.#sockets) socket.terminate()
  }

  #keep(query: string, onServed: () => void): void {
    const socket = this.#open(query)
    socket.on('message', onServed)
    const retry = () => {
      if (!this.#isClosed) this.#keep(query, onServed)
    }
    socket.on('close', () => setTimeout(retry, retryMs()))
  }

  #open(query: string): WebSocket {
    const socket = new WebSocket(`${this.#url}${query}`)
    this.#sockets.add(socket)
    socket.on('error', () => {}) // `close` follows
    socket.on('close', () => this.#sockets.delete(socket))
    return socket
  }
}
