import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { type Problem, toProblem } from '#http/problem.ts'
import { writeErrorResponse } from '#http/raw-error-response.ts'
import { givenRequestId } from '#http/request-id.ts'
import { webSocketToken } from '#principal/bearer-token.ts'
import type { Principal } from '#principal/principal.ts'
import type { Verify } from '#principal/verifier.ts'
import { ConnectionCounts, type ConnectionLimits, type TooMany } from './connection-counts.ts'
import { addressOf, rejectionFor, tooManyConnections } from './handshake.ts'

export interface AdmissionOptions {
  /** Says who connects. */
  verify: Verify
  /** Of this process. */
  connectionLimits: ConnectionLimits
  onRefused?: (reason: 'handshake' | TooMany) => void
}

/**
 * Returns a function that says who connects, and counts the connection until its socket closes.
 * Whoever is not let in gets an answer; then it returns undefined.
 */
export function admission({ verify, connectionLimits, onRefused }: AdmissionOptions) {
  const counts = new ConnectionCounts(connectionLimits)

  return async (request: IncomingMessage, socket: Duplex): Promise<Principal | undefined> => {
    const refuse = (reason: 'handshake' | TooMany, problem: Problem) => {
      onRefused?.(reason)
      writeErrorResponse(socket, problem, givenRequestId(request))
      return undefined
    }
    const rejection = rejectionFor(request)
    if (rejection) return refuse('handshake', rejection)
    try {
      const principal = await verify(() => webSocketToken(request), 'orders')
      if (socket.destroyed) return undefined
      const { userId } = principal
      const address = addressOf(request)
      const tooMany = counts.add(userId, address)
      if (tooMany) return refuse(tooMany, tooManyConnections(tooMany))
      socket.once('close', () => counts.remove(userId, address))
      return principal
    } catch (error) {
      return refuse('handshake', toProblem(error))
    }
  }
}
