import type { OrderLedgerType } from '#contracts/ledger-types.ts'
import { fitsLedger, isPending } from '#contracts/order-states.ts'
import type { DebitFacts, ImpossibleAmount, OrderFacts, PartSum, WrongAccount } from './rows.ts'
import type { StuckStage } from './stuck-stage.ts'

/** A broken promise. */
export interface Finding {
  kind:
    | 'final-without-decision'
    | 'debit-without-order'
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
    | 'more-differences'
  /** A sentence for people. */
  message: string
  order_id?: string
  user_id?: string
  queue?: string
  /** Where an order that is pending too long is stuck. */
  stage?: StuckStage
}

/** Parts of the books that differ, in their order. */
export function differingParts(orders: PartSum[], debits: PartSum[]): number[] {
  const words = ({ entries, sum }: PartSum) => `${entries} ${sum}`
  const left = new Map(orders.map((part) => [part.part, words(part)]))
  const right = new Map(debits.map((part) => [part.part, words(part)]))
  return [...new Set([...left.keys(), ...right.keys()])]
    .filter((part) => left.get(part) !== right.get(part))
    .sort((a, b) => a - b)
}

/** Compares orders with the debits that decided them, each a whole account of the same orders. */
export function compareBooks(orders: OrderFacts[], debits: DebitFacts[]): Finding[] {
  const debitsOf = Map.groupBy(debits, ({ order_id }) => order_id)
  const known = new Set(orders.map(({ order_id }) => order_id))
  return [
    ...orders.flatMap((order) => comparisons.DEBIT(order, debitsOf.get(order.order_id) ?? [])),
    ...[...debitsOf].flatMap(([order_id, [debit]]) =>
      known.has(order_id) || !debit ? [] : [withoutOrder(debit)],
    ),
  ]
}

const withoutOrder = ({ order_id, user_id, amount, status }: DebitFacts): Finding => ({
  kind: 'debit-without-order',
  order_id,
  user_id,
  message: `a debit of ${amount} (${status}) is about an order that does not exist`,
})

/** With each type of entry that is about an order, its order is compared. */
const comparisons = { DEBIT: compareDebits } satisfies Record<OrderLedgerType, unknown>

function compareDebits(order: OrderFacts, debits: DebitFacts[]): Finding[] {
  const { order_id, user_id, status } = order
  const finding = (kind: Finding['kind'], message: string): Finding[] => [
    { kind, order_id, user_id, message },
  ]
  const [debit, ...more] = debits
  if (more.length > 0) {
    return finding('decided-twice', `the ledger has ${debits.length} debits for the order`)
  }
  if (!debit) {
    if (fitsLedger(status, 'DEBIT', 'none')) return []
    return finding('final-without-decision', `${status}, but the ledger has no debit for the order`)
  }
  if (debit.amount !== order.amount || debit.user_id !== user_id) {
    const [said, written] = [order, debit].map((one) => `${one.amount} of ${one.user_id}`)
    return finding('amount-disagrees', `the order is about ${said}, its debit about ${written}`)
  }
  const isReasonRight = isPending(status) || order.reason === debit.reason
  if (fitsLedger(status, 'DEBIT', debit.status) && isReasonRight) return []
  const [said, written] = [withReason(status, order), withReason(debit.status, debit)]
  return finding('status-disagrees', `the order is ${said}, its debit ${written}`)
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
