import type { OrderLedgerType } from '#contracts/ledger-types.ts'
import { minorOf } from '#contracts/money.ts'
import { fitsLedger, isPending } from '#contracts/order-states.ts'
import type { Call, History } from './history.ts'
import { answersOf, type LedgerRow, type OrderRow, type Remains, type Word } from './remains.ts'

export interface Judged {
  word: Word
  fault?: string
}

/** One word for each order, and a sentence for each that is not as it should be. */
export function judgeOrders({ calls }: History, { orders, ledger, keys }: Remains): Judged[] {
  const placed = calls.filter(({ kind }) => kind === 'order')
  const rows = new Map(orders.map((order) => [order.order_id, order]))
  const debits = Map.groupBy(
    ledger.filter(({ type }) => type === 'DEBIT'),
    ({ order_id }) => order_id,
  )
  const answers = answersOf(keys)
  const known = new Set<string>()
  const judged = placed.flatMap((call): Judged[] => {
    const ids = new Set(answers(call).map(orderIdIn))
    for (const id of ids) known.add(id)
    return judgeCall(call, [...ids], (id) => ({ row: rows.get(id), debits: debits.get(id) ?? [] }))
  })
  const strays = orders.filter(({ order_id }) => !known.has(order_id))
  const orphans = [...debits.keys()].filter((id) => id !== null && !rows.has(id))
  return [
    ...judged,
    ...strays.map((row) => judgeStray(row, placed)),
    ...orphans.map((id): Judged => ({ word: 'unexpected', fault: `a debit for no order ${id}` })),
  ]
}

type Found = { row: OrderRow | undefined; debits: LedgerRow[] }

/** Nothing to say of a call that was refused, or never answered, and did not happen. */
function judgeCall(call: Call, ids: string[], find: (id: string) => Found): Judged[] {
  const [id, ...more] = ids
  if (id === undefined) return []
  if (more.length > 0) {
    return [{ word: 'duplicated', fault: `the key ${call.key} has the orders ${ids.join(', ')}` }]
  }
  const { row, debits } = find(id)
  if (!row) return [{ word: 'lost', fault: `order ${id} was answered with 201 and is not there` }]
  const fault = judges.DEBIT(row, debits, call)
  if (fault) return [fault]
  return [{ word: call.ending === 'ok' ? 'ok' : 'recovered' }]
}

/** By the type of the entries that an order has in the ledger. */
const judges = { DEBIT: faultOf } satisfies Record<OrderLedgerType, unknown>

function faultOf(row: OrderRow, debits: LedgerRow[], call: Call): Judged | undefined {
  const { order_id: id, status, user_id, amount } = row
  const unexpected = (what: string): Judged => ({
    word: 'unexpected',
    fault: `order ${id} ${what}`,
  })
  if (debits.length > 1) return { word: 'duplicated', fault: `order ${id} has two debits` }
  if (call.ending === 'fail') return unexpected('was refused, and is there')
  if (user_id !== call.userId || minorOf(amount) !== call.amountMinor) {
    return unexpected(`is of ${user_id} about ${amount}, which is not what was asked`)
  }
  if (isPending(status)) {
    return { word: 'stuck', fault: `order ${id} is pending, ${sayDebit(debits[0])}` }
  }
  const [debit] = debits
  if (!debit) return unexpected(`is ${status} without a decision`)
  if (debit.user_id !== user_id || debit.amount !== amount) return unexpected('has a wrong debit')
  const agrees = fitsLedger(status, 'DEBIT', debit.status) && debit.reason === row.failure_reason
  return agrees ? undefined : unexpected(`is ${status}, but ${sayDebit(debit)}`)
}

const sayDebit = (debit: LedgerRow | undefined): string =>
  debit ? `its debit is ${debit.status} ${debit.reason ?? ''}`.trim() : 'it has no debit'

/** An order that no call knows: a second one for a key that has an order, or out of nowhere. */
function judgeStray({ order_id, user_id, amount }: OrderRow, placed: Call[]): Judged {
  const same = placed.some(
    (call) => call.userId === user_id && call.amountMinor === minorOf(amount),
  )
  const word = same ? 'duplicated' : 'unexpected'
  return { word, fault: `order ${order_id} of ${user_id} belongs to no call` }
}

const orderIdIn = (body: string): string => (JSON.parse(body) as { order_id: string }).order_id
