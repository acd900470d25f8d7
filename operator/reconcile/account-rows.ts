import { type Kysely, sql } from 'kysely'
import { MAX_VERSION } from '#contracts/account-version.ts'
import { type PaymentsDatabase, signedAmount } from '#tables/payments.ts'
import { rowsOf } from '../rows-of.ts'

export interface WrongAccount {
  user_id: string
  /** Null: there is no account. */
  balance: string | null
  version: number | null
  ledger_sum: string
  ledger_entries: number
}

/**
 * Accounts that are not what their ledger adds up to, and ledgers of success without an account.
 */
export const findWrongAccounts = (db: Kysely<PaymentsDatabase>) =>
  rowsOf<WrongAccount, PaymentsDatabase>(
    db,
    sql`
      WITH ledger_sums AS (
        SELECT user_id, sum(${sql.raw(signedAmount)}) AS total,
               (count(*) % ${MAX_VERSION + 1}::bigint)::int AS entries
        FROM ledger WHERE status = 'SUCCESS' GROUP BY user_id)
      SELECT user_id, balance, version, round(coalesce(total, 0), 2)::text AS ledger_sum,
             coalesce(entries, 0) AS ledger_entries
      FROM accounts FULL JOIN ledger_sums USING (user_id)
      WHERE balance IS DISTINCT FROM coalesce(total, 0)
         OR version IS DISTINCT FROM coalesce(entries, 0)
         OR balance = 'NaN' OR balance < 0`,
  )

export interface ImpossibleAmount {
  id: string
  amount: string
}

/** NaN counts as more than every number. */
export const findImpossibleAmounts = <Tables>(
  db: Kysely<Tables>,
  { table, id }: { table: 'orders' | 'ledger'; id: 'order_id' | 'tx_id' },
) =>
  rowsOf<ImpossibleAmount, Tables>(
    db,
    sql`
      SELECT ${sql.ref(id)}::text AS id, amount::text AS amount FROM ${sql.table(table)}
      WHERE NOT coalesce(amount > 0 AND amount <= 9999999999999999.99, false)`,
  )
