import { sql, type Transaction } from 'kysely'
import type { IdempotencyKeysTable } from '#tables/both.ts'

export interface WithIdempotencyKeys {
  idempotency_keys: IdempotencyKeysTable
}

export interface KeyOwner {
  user_id: string
  /** Method and route. */
  call: string
  key: string
}

/** The whole of a key, in one word. */
export const nameOf = ({ user_id, call, key }: KeyOwner): string =>
  JSON.stringify([user_id, call, key])

/**
 * The names of those keys that this transaction may use; it holds their locks until its end. It
 * never waits for another one: so no order of the names is needed.
 */
export const lockKeys = async (trx: Transaction<WithIdempotencyKeys>, names: string[]) => {
  const { rows } = await sql<{ locked: boolean; name: string }>`
    SELECT pg_try_advisory_xact_lock(hashtextextended(name, 0)) AS locked, name
    FROM unnest(${names}::text[]) AS name
  `.execute(trx)
  return new Set(rows.flatMap(({ locked, name }) => (locked ? [name] : [])))
}

/** The answers that were given with these keys, by the names of the keys. */
export const findAnswers = async (trx: Transaction<WithIdempotencyKeys>, owners: KeyOwner[]) => {
  const { rows } = await sql<StoredAnswer>`
    SELECT user_id, call, key, fingerprint, response_status, response_body
    FROM idempotency_keys
    WHERE (user_id, call, key) IN (
      SELECT * FROM unnest(
        ${owners.map(({ user_id }) => user_id)}::text[],
        ${owners.map(({ call }) => call)}::text[],
        ${owners.map(({ key }) => key)}::text[]))
  `.execute(trx)
  return new Map(rows.map((row) => [nameOf(row), row]))
}

export interface StoredAnswer extends KeyOwner {
  fingerprint: string
  response_status: number
  response_body: string
}

/** In the transaction of the effects, of keys that it has locked; sorted, as all multi-row writes are. */
export const insertAnswers = (trx: Transaction<WithIdempotencyKeys>, answers: StoredAnswer[]) => {
  const sorted = answers.toSorted((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1))
  return sql`
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
