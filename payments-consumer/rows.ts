import { sql, type Transaction } from 'kysely'
import type { LedgerColumns, PaymentsDatabase } from '#tables/payments.ts'

/** Balances, locked until commit, in the order of the users: no two batches can deadlock. */
export const lockAccounts = (trx: Transaction<PaymentsDatabase>, userIds: string[]) =>
  trx
    .selectFrom('accounts')
    .select(['user_id', 'balance'])
    .where(({ eb, fn, val }) => eb('user_id', '=', fn.any(val(userIds))))
    .orderBy('user_id')
    .forNoKeyUpdate()
    .execute()

/** Locks what it can of accounts, without waiting, and returns the users of those that others have locked. */
export const lockOrSkipAccounts = async (
  trx: Transaction<PaymentsDatabase>,
  userIds: string[],
): Promise<string[]> => {
  const { rows } = await sql<{ user_id: string }>`
    WITH ours AS (
      SELECT user_id FROM accounts WHERE user_id = ANY (${userIds}::text[])
      FOR NO KEY UPDATE SKIP LOCKED)
    SELECT user_id FROM accounts
    WHERE user_id = ANY (${userIds}::text[]) AND user_id NOT IN (SELECT user_id FROM ours)
  `.execute(trx)
  return rows.map(({ user_id }) => user_id)
}

/** How orders were decided. Read it with their accounts locked: then no other batch is deciding. */
export const findDebits = (trx: Transaction<PaymentsDatabase>, orderIds: string[]) =>
  trx
    .selectFrom('ledger')
    .select(['order_id', 'user_id', 'amount', 'tx_id', 'reason', 'created_at'])
    .where(({ eb, fn, val }) => eb('order_id', '=', fn.any(val(orderIds))))
    .where('type', '=', 'DEBIT')
    .execute()

export interface NewDebit {
  txId: string
  orderId: string
  userId: string
  amount: string
  failure: LedgerColumns<'reason'>['reason']
}

/** Sorted by order: an order that another batch decides meanwhile is a conflict, never a deadlock. */
export const insertDebits = (trx: Transaction<PaymentsDatabase>, debits: NewDebit[]) => {
  const sorted = debits.toSorted((a, b) => (a.orderId < b.orderId ? -1 : 1))
  return sql`
    INSERT INTO ledger (tx_id, order_id, user_id, type, amount, status, reason)
    SELECT tx_id, order_id, user_id, 'DEBIT', amount,
           CASE WHEN reason IS NULL THEN 'SUCCESS' ELSE 'FAILED' END, reason
    FROM unnest(
      ${sorted.map(({ txId }) => txId)}::uuid[],
      ${sorted.map(({ orderId }) => orderId)}::uuid[],
      ${sorted.map(({ userId }) => userId)}::text[],
      ${sorted.map(({ amount }) => amount)}::numeric[],
      ${sorted.map(({ failure }) => failure)}::text[])
      AS debit (tx_id, order_id, user_id, amount, reason)
  `.execute(trx)
}

export interface Spending {
  userId: string
  total: string
  count: number
}

/** Of accounts locked in the same transaction. */
export const subtractFromBalances = (trx: Transaction<PaymentsDatabase>, spendings: Spending[]) =>
  sql`
    UPDATE accounts
    SET balance = balance - spending.total,
        version = version + spending.count,
        updated_at = clock_timestamp()
    FROM unnest(
      ${spendings.map(({ userId }) => userId)}::text[],
      ${spendings.map(({ total }) => total)}::numeric[],
      ${spendings.map(({ count }) => count)}::int[]) AS spending (user_id, total, count)
    WHERE accounts.user_id = spending.user_id
  `.execute(trx)
