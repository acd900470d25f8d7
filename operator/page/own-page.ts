import type { IncomingMessage } from 'node:http'
import { Problem } from '#http/problem.ts'
import { isSameOrigin } from '#http/same-origin.ts'
import { isLoopback } from '#principal/secure-start.ts'

/**
 * Throws a Problem (403) for a call that another page makes a browser send. Without tokens, whoever
 * reaches the port is an operator; so the name of the host must be one of this machine alone: that
 * of another page may be made to point here (DNS rebinding).
 */
export function assertOwnPage({ headers }: IncomingMessage, { isOpen }: { isOpen: boolean }): void {
  const site = headers['sec-fetch-site'] ?? 'same-origin'
  if (!isSameOrigin(headers) || site !== 'same-origin') {
    throw new Problem('forbidden', 'Pages of another origin may not use this one.')
  }
  if (isOpen && !isLoopback(hostNameOf(headers.host))) {
    throw new Problem(
      'forbidden',
      'Without tokens (AUTH_MODE=off) the page answers on this machine only: http://localhost.',
    )
  }
}

const hostNameOf = (host = ''): string => URL.parse(`http://${host}`)?.hostname ?? ''
