import type { Transaction } from 'kysely'
import type { PaymentFailureReason, RefundFailureReason } from '#contracts/events.ts'
import { minorOf } from '#contracts/money.ts'
import type { PaymentsDatabase } from '#tables/payments.ts'
import type { Debit } from './charge-orders.ts'
import type { Accounts, Request } from './decide-requests.ts'
import type { Refund } from './refund-orders.ts'
import { findEntries, lockAccounts } from './rows.ts'

/**
 * The balances and ledger entries by which some requests are decided. Locks their accounts until
 * commit.
 */
export async function readAccounts(
  trx: Transaction<PaymentsDatabase>,
  requests: readonly Request[],
): Promise<Accounts> {
  const accounts = await lockAccounts(trx, [...new Set(requests.map(({ userId }) => userId))])
  const rows = await findEntries(trx, [...new Set(requests.map(({ orderId }) => orderId))])
  const debits = rows.filter(({ type }) => type === 'DEBIT')
  const refunds = rows.filter(({ type }) => type === 'REFUND')
  return {
    balances: new Map(accounts.map(({ user_id, balance }) => [user_id, minorOf(balance)])),
    debits: byOrder<Debit>(debits, (reason) => reason as PaymentFailureReason),
    charged: byOrder<Debit>(
      debits.filter(({ status }) => status === 'SUCCESS'),
      () => null,
    ),
    refunds: byOrder<Refund>(refunds, (reason) => reason as RefundFailureReason),
  }
}

type Row = Awaited<ReturnType<typeof findEntries>>[number]

const byOrder = <Entry extends Debit | Refund>(
  rows: Row[],
  failureOf: (reason: Row['reason']) => Entry['failure'],
): Map<string, Entry> =>
  new Map(
    rows.map((row) => {
      const orderId = row.order_id as string
      const entry = {
        ...{ orderId, userId: row.user_id, amountMinor: minorOf(row.amount), txId: row.tx_id },
        ...{ failure: failureOf(row.reason), decidedAt: row.created_at.toISOString() },
      }
      return [orderId, entry as Entry]
    }),
  )
