import { sql } from 'kysely'
import type { Queryable } from '#chassis/database/connect.ts'
import type { UserPolicy } from './user-policy.ts'

/**
 * Takes a token of a user, and returns for how many milliseconds the bucket is not full; undefined
 * when there is no token. The row of the user is locked for this statement alone. A row that is
 * further in the future than a bucket can be was written before the clock was set back: the bucket
 * is as good as empty, not closed for as long.
 */
export const takeRequest = async (
  db: Queryable,
  userId: string,
  { intervalMs, burstMs }: UserPolicy,
): Promise<number | undefined> => {
  const ms = (value: number) => sql`${value}::float8 * interval '1 millisecond'`
  const { rows } = await sql<{ spent_ms: number }>`
    /* takeRequest */
    INSERT INTO user_requests AS mine (user_id, spent_until)
    VALUES (${userId}, clock_timestamp() + ${ms(intervalMs)})
    ON CONFLICT (user_id) DO UPDATE
    SET spent_until = ${ms(intervalMs)} + greatest(clock_timestamp(),
          least(mine.spent_until, clock_timestamp() + ${ms(burstMs - intervalMs)}))
    WHERE mine.spent_until <= clock_timestamp() + ${ms(burstMs - intervalMs)}
       OR mine.spent_until > clock_timestamp() + ${ms(burstMs)}
    RETURNING (extract(epoch FROM spent_until - clock_timestamp()) * 1000)::float8 AS spent_ms
  `.execute(db)
  return rows[0]?.spent_ms
}

/** Buckets that have been full for an hour are as good as no rows. Waits for nobody's request. */
export const forgetUsers = (db: Queryable) =>
  sql`
    /* forgetUsers */
    DELETE FROM user_requests WHERE user_id IN (
      SELECT user_id FROM user_requests
      WHERE spent_until < clock_timestamp() - interval '1 hour'
      LIMIT 10000
      FOR UPDATE SKIP LOCKED)
  `.execute(db)
