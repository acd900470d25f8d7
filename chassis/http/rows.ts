import { sql, type Transaction } from 'kysely'
import type { IdempotencyKeysTable } from '#tables/messaging.ts'

export interface WithIdempotencyKeys {
  idempotency_keys: IdempotencyKeysTable
}

export interface KeyOwner {
  user_id: string
  /** Method and route. */
  call: string
  key: string
}

/** Whether this transaction may be the one that uses the key; it holds the lock until its end. */
export const lockKey = async (trx: Transaction<WithIdempotencyKeys>, owner: KeyOwner) => {
  const name = JSON.stringify([owner.user_id, owner.call, owner.key])
  const { rows } = await sql<{ locked: boolean }>`
    SELECT pg_try_advisory_xact_lock(hashtextextended(${name}, 0)) AS locked
  `.execute(trx)
  return rows[0]?.locked === true
}

/** The answer that was given with this key, if any. */
export const findAnswer = (trx: Transaction<WithIdempotencyKeys>, owner: KeyOwner) =>
  trx
    .selectFrom('idempotency_keys')
    .select(['fingerprint', 'response_status', 'response_body'])
    .where('user_id', '=', owner.user_id)
    .where('call', '=', owner.call)
    .where('key', '=', owner.key)
    .executeTakeFirst()

/** In the transaction of the effect. */
export const insertAnswer = (
  trx: Transaction<WithIdempotencyKeys>,
  owner: KeyOwner,
  answer: { fingerprint: string; response_status: number; response_body: string },
) =>
  trx
    .insertInto('idempotency_keys')
    .values({ ...owner, ...answer })
    .execute()
