import type { IncomingMessage, Server } from 'node:http'
import { type WebSocket, WebSocketServer } from 'ws'
import { Problem, toProblem } from '#chassis/http/problem.ts'
import { writeErrorResponse } from '#chassis/http/raw-error-response.ts'
import { givenRequestId } from '#chassis/http/request-id.ts'
import { bearerProtocol, webSocketToken } from '#principal/bearer-token.ts'
import type { Principal } from '#principal/principal.ts'
import type { Verify } from '#principal/verifier.ts'
import { type ConnectionOptions, serveConnection } from './connection.ts'
import { rejectionFor } from './handshake.ts'

export interface WebSocketOptions extends ConnectionOptions {
  /** Says who connects. */
  verify: Verify
  /** Between pings; a client that has not answered the last one is terminated. */
  pingMs?: number
}

const maxMessageBytes = 4_096
/** How long a client may take to answer the close frame at shutdown. */
const closeTimeoutMs = 1_000

/**
 * `/orders/ws`: clients subscribe to orders on a WebSocket. Requests come in the query of the
 * address or as messages; a bad one is answered with a problem, and the connection stays.
 */
export function serveWebSocket(
  server: Server,
  { pingMs = 30_000, verify, ...options }: WebSocketOptions,
): { close: () => Promise<void>; connections: () => number } {
  const { onRefused } = options
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: maxMessageBytes,
    perMessageDeflate: false,
    handleProtocols: (offered) => offered.has(bearerProtocol) && bearerProtocol,
  })
  sockets.on('wsClientError', (error, socket, request) => {
    const problem = new Problem(400, `${error.message}.`)
    onRefused?.('handshake')
    writeErrorResponse(socket, problem, givenRequestId(request))
  })
  const alive = new WeakSet<WebSocket>()
  server.on('upgrade', async (request, socket, head) => {
    socket.on('error', () => {}) // a client that resets while it is rejected
    const principal = await principalOf(request, verify)
    if (principal instanceof Problem) {
      onRefused?.('handshake')
      return writeErrorResponse(socket, principal, givenRequestId(request))
    }
    sockets.handleUpgrade(request, socket, head, (client) => {
      alive.add(client)
      client.on('pong', () => alive.add(client))
      serveConnection(principal, client, request, options)
    })
  })
  const pinging = setInterval(() => {
    for (const client of sockets.clients) {
      if (alive.delete(client)) client.ping()
      else client.terminate()
    }
  }, pingMs)
  return {
    connections: () => sockets.clients.size,
    close: async () => {
      clearInterval(pinging)
      await closeAll(sockets)
    },
  }
}

/** Who connects, or why nobody does. */
async function principalOf(request: IncomingMessage, verify: Verify): Promise<Principal | Problem> {
  const rejection = rejectionFor(request)
  if (rejection) return rejection
  try {
    return await verify(() => webSocketToken(request), 'orders')
  } catch (error) {
    return toProblem(error)
  }
}

/** 1001 to every client; a client that does not answer in time is terminated. */
async function closeAll(sockets: WebSocketServer): Promise<void> {
  for (const client of sockets.clients) client.close(1001, 'the server is stopping')
  const terminating = setTimeout(() => {
    for (const client of sockets.clients) client.terminate()
  }, closeTimeoutMs)
  await new Promise<void>((resolve) => sockets.close(() => resolve()))
  clearTimeout(terminating)
}
