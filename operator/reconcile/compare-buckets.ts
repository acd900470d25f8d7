import type { Databases, Snapshots } from '../databases.ts'
import { compareOrders, type Finding } from './findings.ts'
import {
  type EntryFacts,
  findEntries,
  findEntriesOn,
  findOrders,
  findOrdersOn,
  type OrderFacts,
} from './rows.ts'

/** So many rows of each database are in memory at a time, however many disagree. */
const rowsAtOnce = 10_000

/**
 * Orders about which two snapshots disagree: so many by their ids, and how many there are beyond.
 */
export class DisagreeingOrders {
  readonly ids = new Set<string>()
  unnamed = 0
  readonly #most: number

  constructor(most: number) {
    this.#most = most
  }

  add(findings: Finding[]): void {
    for (const { order_id } of findings) {
      if (order_id === undefined || this.ids.has(order_id)) continue
      if (this.ids.size < this.#most) this.ids.add(order_id)
      else this.unnamed++
    }
  }
}

/**
 * Compares some buckets of both databases row by row, without pending orders. Goes through both
 * in the order of their ids, as far at a time as both pages reach.
 */
export async function* compareBuckets(
  { orders, payments }: Snapshots,
  buckets: number[],
  pending: ReadonlySet<string>,
): AsyncGenerator<Finding[]> {
  const isSettled = ({ order_id }: EntryFacts) => !pending.has(order_id)
  let after: string | undefined
  while (buckets.length > 0) {
    const page = { buckets, after, size: rowsAtOnce }
    const [ours, theirs] = await Promise.all([
      findOrdersOn(orders, page),
      findEntriesOn(payments, page),
    ])
    const last = lastCommon(ours, theirs)
    const isRead = ({ order_id }: OrderFacts | EntryFacts) => last === undefined || order_id <= last
    yield compareOrders(ours.filter(isRead), theirs.filter(isRead).filter(isSettled))
    if (last === undefined) return
    after = last
  }
}

/** The last order that both pages have reached; undefined when both pages are the last. */
function lastCommon(...pages: { order_id: string }[][]): string | undefined {
  const ends = pages.flatMap((rows) =>
    rows.length < rowsAtOnce ? [] : (rows.at(-1)?.order_id ?? []),
  )
  return ends.sort()[0]
}

/**
 * Both are read again, and Orders before and after the ledger: what an order was neither before nor
 * afterwards it was not meanwhile. So an order that changes just now is no finding, in whichever
 * direction it goes.
 */
export async function compareAgain(
  { orders, payments }: Databases,
  { ids }: DisagreeingOrders,
): Promise<Finding[]> {
  const left = [...ids]
  const findings: Finding[] = []
  while (left.length > 0) {
    const some = left.splice(0, rowsAtOnce)
    const before = await findOrders(orders, some)
    const entries = await findEntries(payments, some)
    const after = await findOrders(orders, some)
    const stay = new Set(compareOrders(before, entries).map(nameOf))
    findings.push(...compareOrders(after, entries).filter((one) => stay.has(nameOf(one))))
  }
  return findings
}

const nameOf = ({ kind, order_id }: Finding): string => `${kind} ${order_id}`
