import type { IncomingHttpHeaders } from 'node:http'
import { Problem } from '#chassis/http/problem.ts'
import { statusSocketPath } from '#contracts/orders-ws.ts'

/** The answer to a request that does not ask for a WebSocket, as RFC 9110 (15.5.22) has it. */
export const upgradeRequired = () =>
  new Problem(
    426,
    `${statusSocketPath} is a WebSocket: connect with ws:// or wss://. If you did, a proxy on the way has removed the header Upgrade.`,
    { headers: { Upgrade: 'websocket', Connection: 'Upgrade' } },
  )

/**
 * A page of another origin must not use a visitor's connection. Programs send no Origin. Host is read
 * as a part of a URL with the scheme of the Origin: proxies write it with its default port, or in capitals.
 */
export function isSameOrigin({ origin, host = '' }: IncomingHttpHeaders): boolean {
  if (origin === undefined) return true
  const page = URL.parse(origin)
  if (!page || !/^https?:$/.test(page.protocol)) return false
  const own = URL.parse(`${page.protocol}//${host}`)
  return own?.href === `${page.origin}/`
}
