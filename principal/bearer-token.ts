import type { IncomingMessage } from 'node:http'
import { tokenRefused } from './refusals.ts'

/** The subprotocol that brings a token where a browser can set no header. */
export const bearerProtocol = 'bearer'

/**
 * The token of `Authorization: Bearer`; undefined without the header, or for another scheme. Throws
 * a Problem (401) when it is not one token.
 */
export function bearerToken({ headersDistinct }: IncomingMessage): string | undefined {
  const [header, ...more] = headersDistinct.authorization ?? []
  if (header === undefined || !/^bearer(?: |$)/i.test(header)) return undefined
  const [, token] = /^bearer +([A-Za-z0-9._~+/-]+=*)$/i.exec(header) ?? []
  if (token === undefined || more.length > 0) throw tokenRefused('Authorization must be one token')
  return token
}

/**
 * The token of a WebSocket: as above, or what follows `bearer` in `Sec-WebSocket-Protocol`. The
 * query never brings one: addresses are logged.
 */
export function webSocketToken(request: IncomingMessage): string | undefined {
  const protocols = (request.headers['sec-websocket-protocol'] ?? '').split(',')
  const names = protocols.map((name) => name.trim())
  const index = names.indexOf(bearerProtocol)
  return bearerToken(request) ?? (index < 0 ? undefined : names[index + 1])
}
