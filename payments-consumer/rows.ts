import { sql, type Transaction } from 'kysely'
import { MAX_VERSION } from '#contracts/account-version.ts'
import type { OrderLedgerType } from '#contracts/ledger-types.ts'
import { formatMoney } from '#contracts/money.ts'
import type { LedgerColumns, PaymentsDatabase } from '#tables/payments.ts'

/** Balances, locked until commit, in the order of the users: no two batches can deadlock. */
export const lockAccounts = (trx: Transaction<PaymentsDatabase>, userIds: string[]) =>
  trx
    .selectFrom('accounts')
    .select(['user_id', 'balance'])
    .where(({ eb, fn, val }) => eb('user_id', '=', fn.any(val(userIds))))
    .orderBy('user_id')
    .forNoKeyUpdate()
    .modifyEnd(sql`/* lockAccounts */`)
    .execute()

/**
 * Locks what it can of accounts, without waiting, and returns the users of those that others have
 * locked.
 */
export const lockOrSkipAccounts = async (
  trx: Transaction<PaymentsDatabase>,
  userIds: string[],
): Promise<string[]> => {
  const { rows } = await sql<{ user_id: string }>`
    /* lockOrSkipAccounts */
    WITH ours AS (
      SELECT user_id FROM accounts WHERE user_id = ANY (${userIds}::text[])
      FOR NO KEY UPDATE SKIP LOCKED)
    SELECT user_id FROM accounts
    WHERE user_id = ANY (${userIds}::text[]) AND user_id NOT IN (SELECT user_id FROM ours)
  `.execute(trx)
  return rows.map(({ user_id }) => user_id)
}

/**
 * What the ledger has of orders. Read it with their accounts locked: then no other batch is
 * deciding.
 */
export const findEntries = (trx: Transaction<PaymentsDatabase>, orderIds: string[]) =>
  trx
    .selectFrom('ledger')
    .select(['order_id', 'type', 'user_id', 'amount', 'tx_id', 'status', 'reason', 'created_at'])
    .where(({ eb, fn, val }) => eb('order_id', '=', fn.any(val(orderIds))))
    .modifyEnd(sql`/* findEntries */`)
    .execute()

export interface NewEntry {
  type: OrderLedgerType
  txId: string
  orderId: string
  userId: string
  amountMinor: bigint
  failure: LedgerColumns<'reason'>['reason']
}

/**
 * Sorted by order, its payment before its refund: an order that another batch decides meanwhile is
 * a conflict, never a deadlock.
 */
export const insertEntries = (trx: Transaction<PaymentsDatabase>, entries: NewEntry[]) => {
  const sorted = entries.toSorted((a, b) => (a.orderId < b.orderId ? -1 : 1))
  return sql`
    /* insertEntries */
    INSERT INTO ledger (tx_id, order_id, user_id, type, amount, status, reason)
    SELECT tx_id, order_id, user_id, type, amount,
           CASE WHEN reason IS NULL THEN 'SUCCESS' ELSE 'FAILED' END, reason
    FROM unnest(
      ${sorted.map(({ txId }) => txId)}::uuid[],
      ${sorted.map(({ orderId }) => orderId)}::uuid[],
      ${sorted.map(({ userId }) => userId)}::text[],
      ${sorted.map(({ type }) => type)}::text[],
      ${sorted.map(({ amountMinor }) => formatMoney(amountMinor))}::numeric[],
      ${sorted.map(({ failure }) => failure)}::text[])
      AS entry (tx_id, order_id, user_id, type, amount, reason)
  `.execute(trx)
}

export interface BalanceChange {
  userId: string
  /** May be negative. */
  total: string
  count: number
}

/** How many versions an account has before they begin again. */
const versions = MAX_VERSION + 1

/** Of accounts locked in the same transaction. */
export const changeBalances = (trx: Transaction<PaymentsDatabase>, changes: BalanceChange[]) =>
  sql`
    /* changeBalances */
    UPDATE accounts
    SET balance = balance + change.total,
        version = (version::bigint + change.count) % ${versions}::bigint,
        updated_at = now()
    FROM unnest(
      ${changes.map(({ userId }) => userId)}::text[],
      ${changes.map(({ total }) => total)}::numeric[],
      ${changes.map(({ count }) => count)}::int[]) AS change (user_id, total, count)
    WHERE accounts.user_id = change.user_id
  `.execute(trx)
