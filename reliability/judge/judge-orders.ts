import { type OrderLedgerType, orderLedgerTypes } from '#contracts/ledger-types.ts'
import { minorOf } from '#contracts/money.ts'
import { fitsLedger, isPending } from '#contracts/order-states.ts'
import {
  answersOf,
  type FinalState,
  type LedgerRow,
  type OrderRow,
  type Word,
} from './final-state.ts'
import type { Call, History } from './history.ts'

export interface Judged {
  word: Word
  fault?: string
}

/** One word for each order, and a sentence for each that is not as it should be. */
export function judgeOrders({ calls }: History, { orders, ledger, keys }: FinalState): Judged[] {
  const placed = calls.filter(({ kind }) => kind === 'order')
  const rows = new Map(orders.map((order) => [order.order_id, order]))
  const entries = Map.groupBy(
    ledger.filter(({ order_id }) => order_id !== null),
    ({ order_id }) => order_id,
  )
  const answers = answersOf(keys)
  const known = new Set<string>()
  const judged = placed.flatMap((call): Judged[] => {
    const ids = new Set(answers(call).map(orderIdIn))
    for (const id of ids) known.add(id)
    return judgeCall(call, [...ids], (id) => ({
      row: rows.get(id),
      entries: entries.get(id) ?? [],
    }))
  })
  const strays = orders.filter(({ order_id }) => !known.has(order_id))
  const orphans = [...entries].flatMap(([id, own]) => (id !== null && !rows.has(id) ? own : []))
  return [
    ...judged,
    ...strays.map((row) => judgeStray(row, placed)),
    ...orphans.map(({ type, order_id: id }): Judged => {
      return { word: 'unexpected', fault: `a ${nounOf(type)} for no order ${id}` }
    }),
  ]
}

type Found = { row: OrderRow | undefined; entries: LedgerRow[] }

/** Nothing to say of a call that was refused, or never answered, and did not happen. */
function judgeCall(call: Call, ids: string[], find: (id: string) => Found): Judged[] {
  const [id, ...more] = ids
  if (id === undefined) return []
  if (more.length > 0) {
    return [{ word: 'duplicated', fault: `the key ${call.key} has the orders ${ids.join(', ')}` }]
  }
  const { row, entries } = find(id)
  if (!row) return [{ word: 'lost', fault: `order ${id} was answered with 201 and is not there` }]
  const fault = faultOf(row, entries, call)
  if (fault) return [fault]
  return [{ word: call.ending === 'ok' ? 'ok' : 'recovered' }]
}

function faultOf(row: OrderRow, entries: LedgerRow[], call: Call): Judged | undefined {
  const { order_id: id, status, user_id, amount, failure_reason: reason } = row
  const unexpected = (what: string): Judged => ({
    word: 'unexpected',
    fault: `order ${id} ${what}`,
  })
  const entriesOf = (type: OrderLedgerType) => entries.filter((entry) => entry.type === type)
  for (const type of orderLedgerTypes) {
    if (entriesOf(type).length < 2) continue
    return { word: 'duplicated', fault: `order ${id} has two ${nounOf(type)}s` }
  }
  if (call.ending === 'fail') return unexpected('was refused, and is there')
  if (user_id !== call.userId || minorOf(amount) !== call.amountMinor) {
    return unexpected(`is of ${user_id} about ${amount}, which is not what was asked`)
  }
  const said = orderLedgerTypes.map((type) => sayEntry(type, entriesOf(type)[0])).join(', ')
  if (isPending(status)) return { word: 'stuck', fault: `order ${id} is pending, ${said}` }
  const isWrong = entries.some((entry) => entry.user_id !== user_id || entry.amount !== amount)
  if (isWrong) return unexpected('has a wrong entry in the ledger')
  const agrees = orderLedgerTypes.every((type) =>
    fitsLedger(status, type, entriesOf(type)[0]?.status ?? 'none'),
  )
  const last = orderLedgerTypes.flatMap(entriesOf).at(-1)
  return agrees && last?.reason === reason ? undefined : unexpected(`is ${status}, but ${said}`)
}

const nounOf = (type: string) => type.toLowerCase()

const sayEntry = (type: OrderLedgerType, entry: LedgerRow | undefined): string =>
  entry
    ? `its ${nounOf(type)} is ${entry.status} ${entry.reason ?? ''}`.trim()
    : `it has no ${nounOf(type)}`

/** An order that no call knows: a second one for a key that has an order, or out of nowhere. */
function judgeStray({ order_id, user_id, amount }: OrderRow, placed: Call[]): Judged {
  const same = placed.some(
    (call) => call.userId === user_id && call.amountMinor === minorOf(amount),
  )
  const word = same ? 'duplicated' : 'unexpected'
  return { word, fault: `order ${order_id} of ${user_id} belongs to no call` }
}

const orderIdIn = (body: string): string => (JSON.parse(body) as { order_id: string }).order_id
