/** @import { Order } from './api.js' */
/** @typedef {'connecting' | 'live' | 'lost'} Connection */

const firstPauseMs = 500
const longestPauseMs = 15_000
const steadyAfterMs = 5_000

/**
 * Follows the orders of a user until it is stopped, through lost connections. After each (re)connect
 * `onLive` says that what happened meanwhile has to be read: the stream brings only what follows.
 * @param {string} userId
 * @param {{ onState: (state: Connection, nextTryInMs?: number) => void, onLive: () => void, onOrder: (order: Order) => void }} listener
 * @returns {{ stop: () => void, tryNow: () => void }}
 */
export function followOrders(userId, { onState, onLive, onOrder }) {
  const stopping = new AbortController()
  let failures = 0
  /** @type {WebSocket | undefined} */
  let socket
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer

  function connect() {
    clearTimeout(timer)
    let liveSince = Number.POSITIVE_INFINITY
    const current = new WebSocket(streamUrl(userId))
    socket = current
    onState('connecting')
    current.onopen = () => {
      liveSince = Date.now()
      onState('live')
      onLive()
    }
    current.onmessage = ({ data }) => {
      const message = JSON.parse(data)
      if (message.type === 'order') onOrder(message)
    }
    current.onclose = () => {
      if (socket !== current) return
      // A server that lets us in and cuts us off at once is no reason to hurry.
      failures = Date.now() - liveSince > steadyAfterMs ? 0 : failures + 1
      const nextTryInMs = pauseMs(failures)
      onState('lost', nextTryInMs)
      timer = setTimeout(connect, nextTryInMs)
    }
  }

  function reconnectNow() {
    if (socket?.readyState === WebSocket.CLOSED && !document.hidden) connect()
  }

  addEventListener('online', reconnectNow, { signal: stopping.signal })
  document.addEventListener('visibilitychange', reconnectNow, { signal: stopping.signal })
  connect()

  function stop() {
    stopping.abort()
    clearTimeout(timer)
    const last = socket
    socket = undefined
    last?.close()
  }

  return { stop, tryNow: reconnectNow }
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
