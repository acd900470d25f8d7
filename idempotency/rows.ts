import { sql } from 'kysely'
import type { InTransaction } from '#chassis/database/connect.ts'
import type { OwnUserId } from '#principal/principal.ts'
import type { IdempotencyKeysTable } from '#tables/both.ts'

export interface WithIdempotencyKeys {
  idempotency_keys: IdempotencyKeysTable
}

/** An Idempotency-Key with its scope: one operation of one user. */
export interface ScopedKey {
  user_id: OwnUserId
  /** Method and route. */
  call: string
  key: string
}

/** A scoped key as one string. */
export const keyId = ({ user_id, call, key }: ScopedKey): string =>
  JSON.stringify([user_id, call, key])

/**
 * Locks keys until the end of this transaction, by advisory locks, and returns the ids of the keys
 * that it locked. It never waits for another transaction, so the order of the ids does not matter.
 */
export const lockKeys = async (trx: InTransaction, ids: string[]) => {
  const { rows } = await sql<{ locked: boolean; name: string }>`
    /* lockKeys */
    SELECT pg_try_advisory_xact_lock(hashtextextended(name, 0)) AS locked, name
    FROM unnest(${ids}::text[]) AS name
  `.execute(trx)
  return new Set(rows.flatMap(({ locked, name }) => (locked ? [name] : [])))
}

/** The responses that are stored for keys, by the ids of the keys. */
export const findResponses = async (trx: InTransaction, keys: ScopedKey[]) => {
  const { rows } = await sql<StoredResponse>`
    /* findResponses */
    SELECT user_id, call, key, fingerprint, response_status, response_body
    FROM idempotency_keys
    WHERE (user_id, call, key) IN (
      SELECT * FROM unnest(
        ${keys.map(({ user_id }) => user_id)}::text[],
        ${keys.map(({ call }) => call)}::text[],
        ${keys.map(({ key }) => key)}::text[]))
  `.execute(trx)
  return new Map(rows.map((row) => [keyId(row), row]))
}

export interface StoredResponse extends ScopedKey {
  fingerprint: string
  response_status: number
  response_body: string
}

/**
 * In the transaction that has the effects and has locked the keys; sorted, as all multi-row writes
 * are.
 */
export const insertResponses = (trx: InTransaction, responses: StoredResponse[]) => {
  const sorted = responses.toSorted((a, b) => (keyId(a) < keyId(b) ? -1 : 1))
  return sql`
    /* insertResponses */
    INSERT INTO idempotency_keys (user_id, call, key, fingerprint, response_status, response_body)
    SELECT * FROM unnest(
      ${sorted.map(({ user_id }) => user_id)}::text[],
      ${sorted.map(({ call }) => call)}::text[],
      ${sorted.map(({ key }) => key)}::text[],
      ${sorted.map(({ fingerprint }) => fingerprint)}::text[],
      ${sorted.map(({ response_status }) => response_status)}::int[],
      ${sorted.map(({ response_body }) => response_body)}::text[])
  `.execute(trx)
}
