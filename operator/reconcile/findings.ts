import { type OrderLedgerType, orderLedgerTypes } from '#contracts/ledger-types.ts'
import { fitsLedger, isPending } from '#contracts/order-states.ts'
import type { ImpossibleAmount, WrongAccount } from './account-rows.ts'
import type { BucketChecksum } from './checksum-rows.ts'
import type { EntryFacts, OrderFacts } from './rows.ts'
import type { StuckStage } from './stuck-stage.ts'

/** A broken promise. */
export interface Finding {
  kind:
    | 'final-without-decision'
    | 'debit-without-order'
    | 'refund-without-order'
    | 'decided-twice'
    | 'status-disagrees'
    | 'amount-disagrees'
    | 'wrong-balance'
    | 'wrong-version'
    | 'impossible-amount'
    | 'pending-too-long'
    | 'dead-letters'
    | 'dead-letters-uncounted'
    | 'queue-without-leader'
    | 'queue-half-moved'
    | 'more-differences'
  /** A sentence for people. */
  message: string
  order_id?: string
  user_id?: string
  queue?: string
  /** Where an order that is pending too long is stuck. */
  stage?: StuckStage
}

/** Buckets that differ between the databases, in their order. */
export function differingBuckets(orders: BucketChecksum[], entries: BucketChecksum[]): number[] {
  const words = ({ entries: count, sum }: BucketChecksum) => `${count} ${sum}`
  const left = new Map(orders.map((bucket) => [bucket.bucket, words(bucket)]))
  const right = new Map(entries.map((bucket) => [bucket.bucket, words(bucket)]))
  return [...new Set([...left.keys(), ...right.keys()])]
    .filter((bucket) => left.get(bucket) !== right.get(bucket))
    .sort((a, b) => a - b)
}

/** Compares orders with what the ledger has of them, each a whole account of the same orders. */
export function compareOrders(orders: OrderFacts[], entries: EntryFacts[]): Finding[] {
  const entriesOf = Map.groupBy(entries, ({ order_id }) => order_id)
  const known = new Set(orders.map(({ order_id }) => order_id))
  return [
    ...orders.flatMap((order) => compareOrder(order, entriesOf.get(order.order_id) ?? [])),
    ...entries.flatMap((entry) => (known.has(entry.order_id) ? [] : [withoutOrder(entry)])),
  ]
}

const withoutOrder = ({ order_id, type, user_id, amount, status }: EntryFacts): Finding => ({
  kind: withoutOrderKinds[type],
  order_id,
  user_id,
  message: `a ${nounOf(type)} of ${amount} (${status}) is about an order that does not exist`,
})

const withoutOrderKinds = {
  DEBIT: 'debit-without-order',
  REFUND: 'refund-without-order',
} satisfies Record<OrderLedgerType, Finding['kind']>

const nounOf = (type: OrderLedgerType) => type.toLowerCase()

/**
 * Its entries one type after the other; and if they are right, the reason of the last one is the
 * order's.
 */
function compareOrder(order: OrderFacts, entries: EntryFacts[]): Finding[] {
  const byType = orderLedgerTypes.map((type) => entries.filter((entry) => entry.type === type))
  const findings = byType.flatMap((some, at) =>
    compareEntries(order, orderLedgerTypes[at] as OrderLedgerType, some),
  )
  const last = byType.flat().at(-1)
  const isReasonRight = isPending(order.status) || !last || order.reason === last.reason
  return findings.length > 0 || isReasonRight ? findings : [disagreement(order, last)]
}

function compareEntries(order: OrderFacts, type: OrderLedgerType, entries: EntryFacts[]) {
  const { order_id, user_id, status } = order
  const finding = (kind: Finding['kind'], message: string): Finding[] => [
    { kind, order_id, user_id, message },
  ]
  const noun = nounOf(type)
  const [entry, ...more] = entries
  if (more.length > 0) {
    return finding('decided-twice', `the ledger has ${entries.length} ${noun}s for the order`)
  }
  if (!entry) {
    if (fitsLedger(status, type, 'none')) return []
    return finding(
      'final-without-decision',
      `${status}, but the ledger has no ${noun} for the order`,
    )
  }
  if (entry.amount !== order.amount || entry.user_id !== user_id) {
    const [said, written] = [order, entry].map((one) => `${one.amount} of ${one.user_id}`)
    return finding('amount-disagrees', `the order is about ${said}, its ${noun} about ${written}`)
  }
  return fitsLedger(status, type, entry.status) ? [] : [disagreement(order, entry)]
}

function disagreement(order: OrderFacts, entry: EntryFacts): Finding {
  const { order_id, user_id, status } = order
  const [said, written] = [withReason(status, order), withReason(entry.status, entry)]
  const message = `the order is ${said}, its ${nounOf(entry.type)} ${written}`
  return { kind: 'status-disagrees', order_id, user_id, message }
}

const withReason = (status: string, { reason }: { reason: string | null }) =>
  reason === null ? status : `${status} (${reason})`

export function wrongAccounts(accounts: WrongAccount[]): Finding[] {
  return accounts.flatMap(({ user_id, balance, version, ledger_sum, ledger_entries }) => {
    if (balance === null) {
      const message = `the ledger has ${ledger_entries} entries, but there is no account`
      return [{ kind: 'wrong-balance', user_id, message } as const]
    }
    const findings: Finding[] = []
    if (balance !== ledger_sum) {
      const message = `the balance is ${balance}, the sum of the ledger ${ledger_sum}`
      findings.push({ kind: 'wrong-balance', user_id, message })
    } else if (balance === 'NaN' || balance.startsWith('-')) {
      findings.push({ kind: 'wrong-balance', user_id, message: `the balance is ${balance}` })
    }
    if (version !== ledger_entries) {
      const message = `the version is ${version}, but ${ledger_entries} entries moved money`
      findings.push({ kind: 'wrong-version', user_id, message })
    }
    return findings
  })
}

export const impossibleAmounts = (table: string, rows: ImpossibleAmount[]): Finding[] =>
  rows.map(({ id, amount }) => ({
    kind: 'impossible-amount',
    ...(table === 'orders' && { order_id: id }),
    message: `${table} ${id} has the amount ${amount}`,
  }))
