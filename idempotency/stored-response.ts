import { createHash } from 'node:crypto'
import { Problem } from '#http/problem.ts'
import type { OwnUserId } from '#principal/principal.ts'
import type { ScopedKey, StoredResponse } from './rows.ts'

export interface IdempotentRequest {
  userId: OwnUserId
  /** Method and route: a key is scoped to one operation of one user. */
  operation: string
  key: string | undefined
  /** The validated request, in canonical form: `10` and `"10.00"` are the same request. */
  fingerprintSource: unknown
}

/** The response of an effect: its body is stored and sent as JSON. */
export interface EffectResponse<Body> {
  status: number
  body: Body
}

/** The response to the first request with a key, or the same response again, byte for byte. */
export interface IdempotentResponse<Body> extends EffectResponse<Body> {
  /** The body as it was sent the first time. */
  json: string
  replayed: boolean
}

/** The result of one request: its response, or the Problem that refuses it. */
export type ResponseOrProblem<Body> = IdempotentResponse<Body> | Problem

/** The stored response again, or a refusal where it is that of another request. */
export function replay<Body>(
  stored: StoredResponse,
  request: IdempotentRequest,
): ResponseOrProblem<Body> {
  if (stored.fingerprint !== fingerprintOf(request)) return keyReused()
  const { response_status: status, response_body: json } = stored
  return { status, body: JSON.parse(json) as Body, json, replayed: true }
}

/** Nothing for a request without a key. */
export function storedResponse(
  request: IdempotentRequest,
  status: number,
  json: string,
): StoredResponse[] {
  const key = scopedKey(request)
  if (!key) return []
  const fingerprint = fingerprintOf(request)
  return [{ ...key, fingerprint, response_status: status, response_body: json }]
}

export const scopedKey = ({ userId, operation, key }: IdempotentRequest): ScopedKey | undefined =>
  key === undefined ? undefined : { user_id: userId, call: operation, key }

const fingerprintOf = ({ fingerprintSource }: IdempotentRequest): string =>
  createHash('sha256').update(JSON.stringify(fingerprintSource)).digest('hex')

const keyReused = () =>
  new Problem('idempotency-key-reused', 'This Idempotency-Key was used for another request.')
