import { randomUUIDv7 } from 'node:crypto'
import type { Transaction } from 'kysely'
import { createEvent, type PaymentRequested } from '#contracts/events.ts'
import { formatMoney, minorOf } from '#contracts/money.ts'
import type { PaymentTimeline } from '#contracts/timeline.ts'
import {
  appendEvents,
  type Delivered,
  type HandlerResult,
  RowLocks,
  utcTime,
} from '#messaging/index.ts'
import type { PaymentsDatabase } from '#tables/payments.ts'
import {
  type ChargeRequest,
  type Charging,
  chargeOrders,
  type Debit,
  type Decision,
  factOf,
} from './charge-orders.ts'
import {
  findDebits,
  insertDebits,
  lockAccounts,
  lockOrSkipAccounts,
  type Spending,
  subtractFromBalances,
} from './rows.ts'

/** Of the account that an order is charged to. */
export const accountLocks = () =>
  new RowLocks<PaymentsDatabase, PaymentRequested>({
    keyOf: ({ data }) => data.user_id,
    lockOrSkip: lockOrSkipAccounts,
  })

/** Load, decide, save: ledger, balances and the replies that they promise are one transaction. */
export async function handleBatch(
  trx: Transaction<PaymentsDatabase>,
  events: Delivered<PaymentRequested>[],
): Promise<HandlerResult[]> {
  const requests = events.map(requestOf)
  const decisions = chargeOrders(await load(trx, requests), requests)

  const debits = decisions.flatMap((made) => (made.kind === 'debit' ? [made.debit] : []))
  if (debits.length > 0) await insertDebits(trx, debits.map(rowOf))
  const spendings = spendingsOf(debits)
  if (spendings.length > 0) await subtractFromBalances(trx, spendings)
  await appendEvents(trx, repliesTo(events, decisions))

  return decisions.map((made) => (made.kind === 'dead-letter' ? made : { kind: 'handled' }))
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
    const { reason: failure } = row
    const decidedAt = row.created_at.toISOString()
    const debit = { orderId, userId: row.user_id, amountMinor, txId: row.tx_id, failure, decidedAt }
    return [orderId, debit]
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

function repliesTo(requests: Delivered<PaymentRequested>[], decisions: Decision[]) {
  const time = new Date()
  const now = time.toISOString()
  return requests.flatMap((request, index) => {
    const made = decisions[index]
    if (!made || made.kind === 'dead-letter') return []
    const { debit } = made
    const timeline = debit.decidedAt ? { charged_at: debit.decidedAt } : wayOf(request, now)
    const fact = factOf(debit, formatMoney(debit.amountMinor), timeline)
    return [createEvent(fact, { id: randomUUIDv7(), time })]
  })
}

/** Of the request that was decided now; one that came after the decision has no part in it. */
function wayOf({ time, deliveryTimes }: Delivered<PaymentRequested>, now: string): PaymentTimeline {
  const created = utcTime(time)
  return {
    ...(created && { created_at: created }),
    ...(deliveryTimes?.relayedAt && { relayed_at: deliveryTimes.relayedAt }),
    ...(deliveryTimes && { received_at: deliveryTimes.receivedAt }),
    charged_at: now,
  }
}
