import { randomUUIDv7 } from 'node:crypto'
import type { Transaction } from 'kysely'
import { createEvent, type EventOf } from '#contracts/events.ts'
import { formatMoney } from '#contracts/money.ts'
import type { PaymentTimeline } from '#contracts/timeline.ts'
import {
  appendEvents,
  type Delivered,
  type HandlerResult,
  RowLocks,
  utcTime,
} from '#messaging/index.ts'
import type { PaymentsDatabase } from '#tables/payments.ts'
import { factOf } from './charge-orders.ts'
import {
  balanceChangesOf,
  type Decision,
  decideRequests,
  entriesOf,
  requestOf,
} from './decide-requests.ts'
import { readAccounts } from './read-accounts.ts'
import { refundFactOf } from './refund-orders.ts'
import { changeBalances, insertEntries, lockOrSkipAccounts } from './rows.ts'

/** What Orders asks for. */
type Requested = EventOf<'PaymentRequested' | 'RefundRequested'>

/** Of the account that an order is charged to, or refunded to. */
export const accountLocks = () =>
  new RowLocks<PaymentsDatabase, Requested>({
    keyOf: ({ data }) => data.user_id,
    lockOrSkip: lockOrSkipAccounts,
  })

/** Load, decide, save: ledger, balances and the replies that they promise are one transaction. */
export async function handleBatch(
  trx: Transaction<PaymentsDatabase>,
  events: Delivered<Requested>[],
): Promise<HandlerResult[]> {
  const requests = events.map((event) => requestOf(event, randomUUIDv7()))
  const decisions = decideRequests(await readAccounts(trx, requests), requests)

  const entries = decisions.flatMap(entriesOf)
  if (entries.length > 0) await insertEntries(trx, entries)
  const changes = balanceChangesOf(entries)
  if (changes.length > 0) await changeBalances(trx, changes)
  await appendEvents(trx, repliesTo(events, decisions))

  return decisions.map((decision) =>
    decision.kind === 'dead-letter' ? decision : { kind: 'handled' },
  )
}

function repliesTo(requests: Delivered<Requested>[], decisions: Decision[]) {
  const time = new Date()
  const now = time.toISOString()
  return requests.flatMap((request, index) => {
    const decision = decisions[index]
    if (!decision || decision.kind === 'dead-letter') return []
    const { amountMinor, decidedAt } = 'debit' in decision ? decision.debit : decision.refund
    const amount = formatMoney(amountMinor)
    const timeline = decidedAt ? { charged_at: decidedAt } : timelineOf(request, now)
    const fact =
      'debit' in decision
        ? factOf(decision.debit, amount, timeline)
        : refundFactOf(decision.refund, amount, timeline)
    return [createEvent(fact, { id: randomUUIDv7(), time, traceparent: request.traceparent })]
  })
}

/** Of the request that was decided now; one that came after the decision has no part in it. */
function timelineOf({ time, deliveryTimes }: Delivered<Requested>, now: string): PaymentTimeline {
  const created = utcTime(time)
  return {
    ...(created && { created_at: created }),
    ...(deliveryTimes?.relayedAt && { relayed_at: deliveryTimes.relayedAt }),
    ...(deliveryTimes && { received_at: deliveryTimes.receivedAt }),
    charged_at: now,
  }
}
