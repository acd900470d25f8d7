import type { Duplex } from 'node:stream'
import { documentOf, type Problem } from './problem.ts'

/**
 * Writes an HTTP error response to a socket for which Node has no response object: the request is
 * no valid HTTP, or asks for an upgrade. The client may be gone already.
 */
export function writeErrorResponse(socket: Duplex, problem: Problem, requestId?: string): void {
  socket.on('error', () => {})
  if (!socket.writable) return
  const id = requestId ?? crypto.randomUUID()
  const body = JSON.stringify(documentOf(problem, id))
  const head = [
    `HTTP/1.1 ${problem.status} Refused`,
    'Content-Type: application/problem+json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    `X-Request-Id: ${id}`,
    ...Object.entries(problem.headers).map(([name, value]) => `${name}: ${value}`),
    'Connection: close',
  ]
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`)
}
