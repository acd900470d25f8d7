import type { Metrics } from './metrics.ts'

/** Why something was refused to a client of the WebSocket, or its connection closed. */
const refusals = [
  'handshake',
  'user-connections',
  'address-connections',
  'message',
  'message-too-large',
  'message-in-pieces',
  'too-fast',
  'subscription-limit',
  'slow-client',
  'unreadable',
] as const

/** What is counted at each scrape. */
export interface WebSocketUse {
  connections: () => number
  subscriptions: () => { order: number; user: number }
}

/** Measures the WebSocket of Orders. */
export function measureWebSocket(metrics: Metrics) {
  const connections = metrics.gauge({
    name: 'websocket_connections',
    help: 'Open connections of clients.',
  })
  const subscriptions = metrics.gauge({
    name: 'websocket_subscriptions',
    help: 'Subscriptions of all clients, of orders and of users.',
    labels: ['kind'],
  })
  const refused = metrics.counter({
    name: 'websocket_refusals_total',
    help: 'What was refused to clients, and clients that were disconnected, by reason.',
    labels: ['reason'],
  })
  for (const reason of refusals) refused.inc({ reason }, 0)
  return {
    onRefused: (reason: (typeof refusals)[number]) => refused.inc({ reason }),
    /** To be called when the WebSocket is open. */
    watch: (use: WebSocketUse) =>
      metrics.onScrape(() => {
        connections.set(use.connections())
        for (const [kind, count] of Object.entries(use.subscriptions())) {
          subscriptions.set({ kind }, count)
        }
      }),
  }
}
