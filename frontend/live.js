/** @import { Order, ProblemDocument } from './api.js' */
/** @typedef {'connecting' | 'live' | 'lost'} Connection */
/** Why it is lost, if the server says so, and when it is tried again, if it is. @typedef {{ problem?: ProblemDocument | undefined, nextTryInMs?: number }} Loss */
import { isPassing } from './api.js'

const firstPauseMs = 500
const longestPauseMs = 15_000
const steadyAfterMs = 5_000

/**
 * Follows the orders of a user until it is stopped, through lost connections. After each (re)connect
 * `onOpen` says that what happened meanwhile has to be read: the stream brings only what follows.
 *
 * An open stream says nothing of whether the server can read what is asked for. So it is live from
 * `confirm` on, which is called after a reading that went well, and no more after `doubt` or an error.
 */
export class LiveOrders {
  #stopping = new AbortController()
  #failures = 0
  /** @type {WebSocket | undefined} */
  #socket
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer
  #userId
  #listener

  /** @param {string} userId @param {{ onState: (state: Connection, loss?: Loss) => void, onOpen: () => void, onOrder: (order: Order) => void }} listener */
  constructor(userId, listener) {
    this.#userId = userId
    this.#listener = listener
    const { signal } = this.#stopping
    addEventListener('online', this.tryNow, { signal })
    document.addEventListener('visibilitychange', this.tryNow, { signal })
    this.#connect()
  }

  confirm = () => this.#saySo('live')

  doubt = () => this.#saySo('lost')

  tryNow = () => {
    if (this.#socket?.readyState === WebSocket.CLOSED && !document.hidden) this.#connect()
  }

  stop() {
    this.#stopping.abort()
    clearTimeout(this.#timer)
    const last = this.#socket
    this.#socket = undefined
    last?.close()
  }

  #connect() {
    clearTimeout(this.#timer)
    let openSince = Number.POSITIVE_INFINITY
    /** @type {ProblemDocument | undefined} */
    let problem
    const socket = new WebSocket(streamUrl(this.#userId))
    this.#socket = socket
    this.#listener.onState('connecting')
    socket.onopen = () => {
      openSince = Date.now()
      this.#listener.onOpen()
    }
    socket.onmessage = ({ data }) => {
      const message = JSON.parse(data)
      if (message.type === 'order') return this.#listener.onOrder(message)
      problem = message.problem // the user is all that is asked for, so it is about the user
      socket.close()
    }
    socket.onclose = () => {
      if (socket === this.#socket) this.#lose(problem, Date.now() - openSince > steadyAfterMs)
    }
  }

  /** @param {ProblemDocument | undefined} problem @param {boolean} wasSteady */
  #lose(problem, wasSteady) {
    if (problem && !isPassing(problem)) return this.#listener.onState('lost', { problem })
    // A server that lets us in and cuts us off at once is no reason to hurry.
    this.#failures = wasSteady ? 0 : this.#failures + 1
    const nextTryInMs = pauseMs(this.#failures)
    this.#listener.onState('lost', { problem, nextTryInMs })
    this.#timer = setTimeout(() => this.#connect(), nextTryInMs)
  }

  /** @param {Connection} state */
  #saySo(state) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#listener.onState(state)
  }
}

/** Doubles from turn to turn; the random half keeps a thousand pages from coming back as one. */
function pauseMs(/** @type {number} */ failures) {
  const longest = Math.min(longestPauseMs, firstPauseMs * 2 ** failures)
  return longest / 2 + (Math.random() * longest) / 2
}

/** @param {string} userId */
function streamUrl(userId) {
  const url = new URL('/orders/ws', location.href)
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:'
  url.searchParams.set('user_id', userId)
  return url
}
