import type { IncomingMessage } from 'node:http'
import { statusSocketPath } from '#contracts/orders-ws.ts'
import { Problem } from '#http/problem.ts'
import { isSameOrigin } from '#http/same-origin.ts'
import type { TooMany } from './connection-counts.ts'

/** Why a request does not become a WebSocket; undefined if it does. */
export function rejectionFor({ method, url = '', headers }: IncomingMessage): Problem | undefined {
  if (!URL.canParse(url, 'ws://any') || new URL(url, 'ws://any').pathname !== statusSocketPath) {
    return new Problem(404, 'There is no WebSocket at this address.')
  }
  if (method !== 'GET') {
    return new Problem(405, 'A WebSocket begins with GET.', { headers: { Allow: 'GET' } })
  }
  if (headers.upgrade?.toLowerCase() !== 'websocket') return upgradeRequired()
  if (isSameOrigin(headers)) return undefined
  return new Problem(403, 'Pages of another origin are not let in.')
}

/** The answer to a request that does not ask for a WebSocket, as RFC 9110 (15.5.22) has it. */
export const upgradeRequired = () =>
  new Problem(
    426,
    `${statusSocketPath} is a WebSocket: connect with ws:// or wss://. If you did, a proxy on the way has removed the header Upgrade.`,
    { headers: { Upgrade: 'websocket', Connection: 'Upgrade' } },
  )

/** The answer to a client that has as many connections as it may have. */
export const tooManyConnections = (reason: TooMany) =>
  new Problem(
    429,
    reason === 'user-connections'
      ? 'This user has as many WebSockets as a user may have. Close one, or repeat later.'
      : 'This address has as many WebSockets as an address may have. Close one, or repeat later.',
    { headers: { 'Retry-After': '5' } },
  )

/** Of the client, as the gateway says; without a gateway, of who connects. */
export function addressOf({ headers, socket }: IncomingMessage): string {
  const forwarded = [headers['x-forwarded-for'] ?? []].flat().at(-1)?.split(',').at(-1)?.trim()
  return forwarded || (socket.remoteAddress ?? '')
}
