import type { Transaction } from 'kysely'
import type { Database, InTransaction } from '#chassis/database/connect.ts'
import { Problem } from '#http/problem.ts'
import {
  findResponses,
  insertResponses,
  keyId,
  lockKeys,
  type StoredResponse,
  type WithIdempotencyKeys,
} from './rows.ts'
import {
  type EffectResponse,
  type IdempotentRequest,
  type IdempotentResponse,
  type ResponseOrProblem,
  replay,
  scopedKey,
  storedResponse,
} from './stored-response.ts'

/**
 * Runs an effect in a transaction, once per key: the response is stored with the effect, and the
 * same key with the same request replays it. Only an effect is remembered: when it throws, the key
 * is free. Throws a Problem: `idempotency-key-reused` (422) for another request,
 * `request-in-progress` (409) while the first is still running.
 */
export async function withIdempotencyKey<Tables extends WithIdempotencyKeys, Body>(
  db: Database<Tables>,
  request: IdempotentRequest,
  effect: (trx: Transaction<Tables>) => Promise<EffectResponse<Body>>,
): Promise<IdempotentResponse<Body>> {
  const [result] = await withIdempotencyKeys(db, [request], async (trx) => [await effect(trx)])
  if (result === undefined || result instanceof Problem) throw result
  return result
}

/**
 * The response to a request that had its effect before. A new one has none, and `refusal` is
 * thrown. Nothing is asked about a request without a key.
 */
export async function replayOrRefuse<Tables extends WithIdempotencyKeys, Body>(
  db: Database<Tables>,
  request: IdempotentRequest,
  refusal: Problem,
): Promise<IdempotentResponse<Body>> {
  if (request.key === undefined) throw refusal
  return withIdempotencyKey<Tables, Body>(db, request, () => Promise.reject(refusal))
}

/**
 * The same for many requests in one transaction. The effect gets the requests that are neither
 * replayed nor refused, and returns a response for each. Returns a response or a Problem for each
 * request, in their order.
 *
 * Each key has an advisory lock until the transaction ends. The lock is tried and never waited for
 * (`pg_try_advisory_xact_lock`): a request whose key another transaction has locked is refused as
 * `request-in-progress`.
 */
export async function withIdempotencyKeys<
  Tables extends WithIdempotencyKeys,
  Request extends IdempotentRequest,
  Body,
>(
  db: Database<Tables>,
  requests: Request[],
  effect: (trx: Transaction<Tables>, fresh: Request[]) => Promise<EffectResponse<Body>[]>,
): Promise<ResponseOrProblem<Body>[]> {
  return db.transaction().execute(async (trx) => {
    const results = await settledBefore<Body>(trx, requests)
    const fresh = requests.filter((request) => !results.has(request))
    const responses = fresh.length > 0 ? await effect(trx, fresh) : []
    const stored: StoredResponse[] = []
    for (const [index, request] of fresh.entries()) {
      const response = responses[index]
      if (!response) throw new Error(`The effect has no response to a ${request.operation}`)
      const json = JSON.stringify(response.body)
      results.set(request, { ...response, json, replayed: false })
      stored.push(...storedResponse(request, response.status, json))
    }
    if (stored.length > 0) await insertResponses(trx, stored)
    return requests.map((request) => results.get(request) as ResponseOrProblem<Body>)
  })
}

/**
 * The results of the requests that have no effect now: replayed or refused. Of two requests with
 * one key and no stored response, the first has the effect, and the second is refused.
 */
async function settledBefore<Body>(
  trx: InTransaction,
  requests: IdempotentRequest[],
): Promise<Map<IdempotentRequest, ResponseOrProblem<Body>>> {
  const results = new Map<IdempotentRequest, ResponseOrProblem<Body>>()
  const keyed = requests.flatMap((request) => {
    const key = scopedKey(request)
    return key ? [{ request, key, id: keyId(key) }] : []
  })
  if (keyed.length === 0) return results
  const keys = new Map(keyed.map(({ id, key }) => [id, key]))
  const locked = await lockKeys(trx, [...keys.keys()])
  const earlier = await findResponses(trx, [...keys.values()])
  const seen = new Set<string>()
  for (const { request, id } of keyed) {
    const response = earlier.get(id)
    if (!locked.has(id) || (!response && seen.has(id))) results.set(request, inProgress())
    else if (response) results.set(request, replay(response, request))
    seen.add(id)
  }
  return results
}

const inProgress = () =>
  new Problem(
    'request-in-progress',
    'The first request with this Idempotency-Key is still running.',
    { headers: { 'Retry-After': '1' } },
  )
