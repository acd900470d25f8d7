import type { Server } from 'node:http'
import { type WebSocket, WebSocketServer } from 'ws'
import { Problem } from '#http/problem.ts'
import { writeErrorResponse } from '#http/raw-error-response.ts'
import { givenRequestId } from '#http/request-id.ts'
import { bearerProtocol } from '#principal/bearer-token.ts'
import { type AdmissionOptions, admission } from './admission.ts'
import { type ConnectionOptions, type Refusal, serveConnection } from './connection.ts'

export interface WebSocketOptions extends AdmissionOptions, ConnectionOptions {
  onRefused?: (reason: Refusal) => void
  /** Between pings; a client that has not answered the last one is terminated. */
  pingMs?: number
}

const maxMessageBytes = 4_096
/** A message that comes in more frames, or in more pieces of TCP, closes its connection (1008). */
const maxFragments = 16
const maxBufferedChunks = 1_024
/** How long a client may take to answer the close frame at shutdown. */
const closeTimeoutMs = 1_000

/**
 * `/orders/ws`: clients subscribe to orders on a WebSocket. Requests come in the query of the
 * address or as messages; a bad one is answered with a problem, and the connection stays.
 */
export function serveWebSocket(
  server: Server,
  { pingMs = 30_000, ...options }: WebSocketOptions,
): { close: () => Promise<void>; connections: () => number } {
  const { onRefused } = options
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: maxMessageBytes,
    ...{ maxFragments, maxBufferedChunks },
    perMessageDeflate: false,
    handleProtocols: (offered) => offered.has(bearerProtocol) && bearerProtocol,
  })
  sockets.on('wsClientError', (error, socket, request) => {
    const problem = new Problem(400, `${error.message}.`)
    onRefused?.('handshake')
    writeErrorResponse(socket, problem, givenRequestId(request))
  })
  const alive = new WeakSet<WebSocket>()
  const admit = admission(options)
  server.on('upgrade', async (request, socket, head) => {
    socket.on('error', () => {}) // a client that resets while it is rejected
    const principal = await admit(request, socket)
    if (!principal) return
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

/** 1001 to every client; a client that does not answer in time is terminated. */
async function closeAll(sockets: WebSocketServer): Promise<void> {
  for (const client of sockets.clients) client.close(1001, 'the server is stopping')
  const terminating = setTimeout(() => {
    for (const client of sockets.clients) client.terminate()
  }, closeTimeoutMs)
  await new Promise<void>((resolve) => sockets.close(() => resolve()))
  clearTimeout(terminating)
}
