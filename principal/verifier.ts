import {
  errors,
  type JWTPayload,
  type JWTVerifyGetKey,
  type JWTVerifyOptions,
  jwtVerify,
} from 'jose'
import type { Logger } from '#chassis/logger.ts'
import { Principal, type Scope } from './principal.ts'
import { asymmetricAlgorithms, type PublicKey } from './public-key.ts'
import { scopeMissing, tokenMissing, tokenRefused } from './refusals.ts'
import { RemoteKeys } from './remote-keys.ts'
import type { AuthConfig } from './variables.ts'
import { VerifiedTokens } from './verified-tokens.ts'

/**
 * Who calls an API, by the token that `readToken` finds, or that throws a Problem. Throws a
 * Problem: 401 without a valid token, 403 for one that is limited to other APIs; and `unavailable`
 * where the key of the token cannot be read.
 */
export type Verify = (readToken: ReadToken, scope: Scope) => Principal | Promise<Principal>
type ReadToken = () => string | undefined

export interface Verifier {
  verify: Verify
  /** For a readiness check: throws, saying why, while no token can be verified. */
  assertReady: () => void
}

/** How far two clocks may be apart. */
export const leewayMs = 30_000

/** AUTH_MODE=off: callers name themselves, and no token is looked at. */
export const verifyNothing: Verify = () => Principal.unrestricted

/** The one verifier of a process. `signal`: aborted when the process stops. */
export function createVerifier(
  { authMode, jwksUrl, publicKey, jwtIssuer: issuer, jwtAudience: audience }: AuthConfig,
  { logger, signal }: { logger: Logger; signal: AbortSignal },
): Verifier {
  if (authMode === 'off') return { verify: verifyNothing, assertReady: () => {} }
  const tokens = new VerifiedTokens()
  const claims = { issuer, audience }
  if (publicKey) {
    return { verify: verifyWith(keyOf(publicKey), tokens, claims), assertReady: () => {} }
  }
  const url = new URL(jwksUrl)
  const keys = new RemoteKeys({ url, logger, signal, onRead: () => tokens.clear() })
  const remote = { find: keys.find, algorithms: asymmetricAlgorithms }
  return { verify: verifyWith(remote, tokens, claims), assertReady: () => keys.assertRead() }
}

interface Keys {
  find: JWTVerifyGetKey
  algorithms: readonly string[]
}

const keyOf = ({ key, algorithms }: PublicKey): Keys => ({ find: async () => key, algorithms })

function verifyWith(
  { find, algorithms }: Keys,
  tokens: VerifiedTokens,
  claims: { issuer: string; audience: string },
): Verify {
  const options: JWTVerifyOptions = {
    ...claims,
    algorithms: [...algorithms],
    clockTolerance: leewayMs / 1_000,
    requiredClaims: ['exp', 'sub'],
  }
  return async (readToken, scope) => {
    const token = readToken()
    if (token === undefined) throw tokenMissing()
    const principal = tokens.get(token) ?? principalOf(await verified(token, find, options))
    tokens.add(token, principal)
    if (!principal.has(scope)) throw scopeMissing(scope)
    return principal
  }
}

/** The claims of a token. Where its key has no name, each that it may be is tried. */
async function verified(
  token: string,
  find: JWTVerifyGetKey,
  options: JWTVerifyOptions,
): Promise<JWTPayload> {
  try {
    return (await jwtVerify(token, find, options)).payload
  } catch (error) {
    if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw refusalOf(error)
    for await (const key of error) {
      const payload = await verified(token, async () => key, options).catch(() => undefined)
      if (payload) return payload
    }
    throw tokenRefused('No key fits the token')
  }
}

function principalOf(payload: JWTPayload): Principal {
  const { sub: userId = '', exp: expiresAt = 0 } = payload
  const principal = Principal.ofToken({ userId, expiresAt, scopes: scopesOf(payload) })
  if (principal) return principal
  throw tokenRefused('The claim sub must be a user_id')
}

/**
 * Of `scope` (RFC 8693, words) or `scp` (words, or a list). A token without them is not limited.
 */
function scopesOf({ scope, scp }: JWTPayload): ReadonlySet<string> | undefined {
  const claim = scope ?? scp
  if (claim === undefined) return undefined
  return new Set(Array.isArray(claim) ? claim.map(String) : String(claim).split(' '))
}

/** Faults of ours and of the issuer's server stay what they are. */
function refusalOf(error: unknown): unknown {
  if (error instanceof errors.JWTExpired) return tokenRefused('The token has expired')
  if (error instanceof errors.JWTClaimValidationFailed) {
    return tokenRefused(`The claim ${error.claim} is missing or not accepted`)
  }
  return error instanceof errors.JOSEError ? tokenRefused('The token is not valid') : error
}
