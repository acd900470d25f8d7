import { randomUUIDv7 } from 'node:crypto'
import type { Transaction } from 'kysely'
import type { Outcome } from '#chassis/inbox/handle.ts'
import { appendEvents } from '#chassis/outbox/append.ts'
import { createEvent, type FailureReason, type PaymentRequested } from '#contracts/events.ts'
import { formatMoney, minorOf } from '#contracts/money.ts'
import type { PaymentsDatabase } from '#tables/payments.ts'
import {
  type ChargeRequest,
  type Charging,
  chargeOrders,
  type Debit,
  factOf,
} from './charge-orders.ts'
import {
  findDebits,
  insertDebits,
  lockAccounts,
  type Spending,
  subtractFromBalances,
} from './rows.ts'

/** Load, decide, save: ledger, balances and the replies that they promise are one transaction. */
export async function handleBatch(
  trx: Transaction<PaymentsDatabase>,
  events: PaymentRequested[],
): Promise<Outcome[]> {
  const requests = events.map(requestOf)
  const decisions = chargeOrders(await load(trx, requests), requests)

  const debits = decisions.flatMap((made) => (made.kind === 'debit' ? [made.debit] : []))
  const answered = decisions.flatMap((made) => (made.kind === 'park' ? [] : [made.debit]))
  if (debits.length > 0) await insertDebits(trx, debits.map(rowOf))
  const spendings = spendingsOf(debits)
  if (spendings.length > 0) await subtractFromBalances(trx, spendings)
  await appendEvents(trx, replies(answered))

  return decisions.map((made) => (made.kind === 'park' ? made : { kind: 'handled' }))
}

async function load(
  trx: Transaction<PaymentsDatabase>,
  requests: ChargeRequest[],
): Promise<Charging> {
  const accounts = await lockAccounts(trx, [...new Set(requests.map(({ userId }) => userId))])
  const debits = await findDebits(trx, [...new Set(requests.map(({ orderId }) => orderId))])
  const decided = debits.map((row): [string, Debit] => {
    const orderId = row.order_id as string
    const amountMinor = minorOf(row.amount)
    const failure = row.reason as FailureReason | null
    return [orderId, { orderId, userId: row.user_id, amountMinor, txId: row.tx_id, failure }]
  })
  return {
    balances: new Map(accounts.map(({ user_id, balance }) => [user_id, minorOf(balance)])),
    decided: new Map(decided),
  }
}

const requestOf = ({ data }: PaymentRequested): ChargeRequest => ({
  orderId: data.order_id,
  userId: data.user_id,
  amountMinor: minorOf(data.amount),
  txId: randomUUIDv7(),
})

const rowOf = ({ amountMinor, ...debit }: Debit) => ({ ...debit, amount: formatMoney(amountMinor) })

function spendingsOf(debits: Debit[]): Spending[] {
  const charged = debits.filter(({ failure }) => failure === null)
  return [...Map.groupBy(charged, ({ userId }) => userId)].map(([userId, entries]) => ({
    userId,
    total: formatMoney(entries.reduce((sum, { amountMinor }) => sum + amountMinor, 0n)),
    count: entries.length,
  }))
}

function replies(debits: Debit[]) {
  const time = new Date()
  return debits.map((debit) =>
    createEvent(factOf(debit, formatMoney(debit.amountMinor)), { id: randomUUIDv7(), time }),
  )
}
