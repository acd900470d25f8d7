import { Problem } from '#http/problem.ts'
import type { Scope } from './principal.ts'

/** RFC 6750: what a refused call is told in `WWW-Authenticate`. */
const challenge = (parameters: Record<string, string> = {}) => ({
  'WWW-Authenticate': `Bearer ${Object.entries({ realm: 'orders-payments', ...parameters })
    .map(([name, value]) => `${name}="${value}"`)
    .join(', ')}`,
})

/** No token at all: no error code, as the RFC has it. */
export const tokenMissing = () =>
  new Problem(401, 'Send a token: Authorization: Bearer …', { headers: challenge() })

/** `reason` goes into a header: plain words without quotes. */
export const tokenRefused = (reason: string) =>
  new Problem(401, `${reason}.`, {
    headers: challenge({ error: 'invalid_token', error_description: reason }),
  })

export const scopeMissing = (scope: Scope) =>
  new Problem('insufficient-scope', `The token does not have the scope "${scope}".`, {
    headers: challenge({ error: 'insufficient_scope', scope }),
  })

/** A body that names somebody else than who calls. */
export const foreignUser = () =>
  new Problem('forbidden', 'The user_id must be the user of the token; see `errors`.', {
    errors: [{ pointer: '/user_id', message: 'must be the user of the token (sub)' }],
  })
