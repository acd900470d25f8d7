import type { tokenExpiredCode } from '#contracts/orders-ws.ts'
import { backoffMs } from './retry.ts'
import { isOpen, type Socket } from './socket.ts'

/** A connection that lasted so long was a good one: the next try comes soon. */
const steadyAfterMs = 5_000

/** The type check compares it with the contract. */
const expiredCode: typeof tokenExpiredCode = 4401

export interface ConnectionListener {
  onConnecting: () => void
  onOpen: () => void
  onMessage: (message: unknown) => void
  /** With an error when no connection could be tried. */
  onLost: (retryInMs: number, error?: unknown) => void
}

/** `isExpired`: the token of the connection before has expired. */
export type Open = (isExpired: boolean) => Promise<Socket>

/** A WebSocket that is opened again, after a growing pause, whenever it is lost. */
export class Connection {
  readonly #open: Open
  readonly #listener: ConnectionListener
  #socket: Socket | undefined
  #ending = new AbortController()
  #tries = 0
  #timer: ReturnType<typeof setTimeout> | undefined
  #isExpired = false
  #isClosed = false

  constructor(open: Open, listener: ConnectionListener) {
    this.#open = open
    this.#listener = listener
  }

  get isOpen(): boolean {
    return isOpen(this.#socket)
  }

  /** Aborted when the present socket is lost or closed. */
  get signal(): AbortSignal {
    return this.#ending.signal
  }

  connect(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#listener.onConnecting()
    this.#open(this.#isExpired).then(
      (socket) => {
        this.#use(socket)
        if (this.#isClosed) socket.close()
      },
      (error) => this.#lose(error), // there was no token
    )
  }

  /** Until it is lost. */
  #use(socket: Socket): void {
    const ending = new AbortController()
    let openedAt = Number.POSITIVE_INFINITY
    this.#socket = socket
    this.#ending = ending
    socket.addEventListener('open', () => {
      openedAt = performance.now()
      this.#listener.onOpen()
    })
    socket.addEventListener('message', ({ data }) => {
      if (!this.#isClosed) this.#listener.onMessage(JSON.parse(String(data)))
    })
    socket.addEventListener('error', () => {}) // `close` follows; `ws` throws where nobody listens
    socket.addEventListener('close', ({ code }) => {
      ending.abort()
      // A server that lets us in and cuts us off at once is no reason to hurry.
      const wasSteady = performance.now() - openedAt > steadyAfterMs
      if (wasSteady) this.#tries = 0
      this.#isExpired = code === expiredCode
      if (this.#isExpired && wasSteady && !this.#isClosed) this.connect()
      else this.#lose()
    })
  }

  /** Connects now, if it waits for its next try. */
  tryNow(): void {
    if (this.#timer !== undefined) this.connect()
  }

  /** Gives up the present socket for a new one. */
  reset(): void {
    this.#socket?.close()
  }

  send(message: object): void {
    if (isOpen(this.#socket)) this.#socket.send(JSON.stringify(message))
  }

  /** For good. */
  close(): void {
    this.#isClosed = true
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#ending.abort()
    this.#socket?.close()
  }

  #lose(error?: unknown): void {
    if (this.#isClosed) return
    const retryInMs = backoffMs(this.#tries++, Math.random())
    this.#timer = setTimeout(() => this.connect(), retryInMs)
    this.#listener.onLost(retryInMs, error)
  }
}
