import type { QueueState } from '#chassis/broker/desk.ts'
import {
  type DebitFacts,
  findDebits,
  findDebitsIn,
  findImpossibleAmounts,
  findOrders,
  findOrdersIn,
  findPendingOrders,
  findWrongAccounts,
  type PendingOrder,
  sumDebits,
  sumOrders,
} from './book-rows.ts'
import { type Books, onSnapshots, type Snapshots } from './books.ts'
import {
  compareBooks,
  differingParts,
  type Finding,
  impossibleAmounts,
  wrongAccounts,
} from './findings.ts'
import type { LetterSummary } from './letter.ts'
import { stuckOrders } from './stuck-orders.ts'

/** What the broker has to say; without it, nothing is known of dead letters. */
export interface Mail {
  deadLetterQueues: () => Promise<QueueState[]>
  /** All dead letters. Asked for only when they may say why an order is stuck. */
  letters: () => Promise<LetterSummary[]>
  /** Queues that are there and do not serve, each with the command that helps. */
  silentQueues: () => Promise<SilentQueue[]>
}

export interface SilentQueue {
  queue: string
  remedy: string
}

export interface Reconciling {
  books: Books
  mail?: Mail | undefined
  /** An order may be pending for so long. */
  olderThanMs: number
}

/** So many differing parts are compared row by row; more are only counted. */
const mostParts = 1_024

/**
 * Every broken promise, in both databases and in the dead letters. Whatever is on its way is no
 * finding: the books are read at one moment each, Orders first, and a debit whose order is not in
 * that snapshot yet is looked up again.
 */
export async function reconcile({ books, mail, olderThanMs }: Reconciling): Promise<Finding[]> {
  const read = await onSnapshots(books, (snapshots) => readAll(snapshots, olderThanMs))
  const suspects = [...new Set(read.suspects.flatMap(({ order_id }) => order_id ?? []))]
  const disagreements = suspects.length > 0 ? await compareAgain(books, suspects) : []
  const dead = (await mail?.deadLetterQueues()) ?? []
  const hasLetters = dead.some(({ messages }) => (messages ?? 0) > 0)
  const letters = mail && hasLetters && read.overdue.length > 0 ? await mail.letters() : []
  return [
    ...read.findings,
    ...disagreements,
    ...(await stuckOrders(books, read.overdue, letters)),
    ...dead.flatMap(deadLetterFinding),
    ...((await mail?.silentQueues()) ?? []).map(silentQueueFinding),
  ]
}

interface Reading {
  findings: Finding[]
  /** Disagreements about orders, some of which may only be too new. */
  suspects: Finding[]
  overdue: PendingOrder[]
}

async function readAll({ orders, payments }: Snapshots, olderThanMs: number): Promise<Reading> {
  const pending = await findPendingOrders(orders)
  const pendingIds = pending.map(({ order_id }) => order_id)
  const inOrders = async () => {
    const sums = await sumOrders(orders)
    return {
      sums,
      impossible: await findImpossibleAmounts(orders, { table: 'orders', id: 'order_id' }),
    }
  }
  const inPayments = async () => {
    const sums = await sumDebits(payments, pendingIds)
    const debits = pendingIds.length > 0 ? await findDebits(payments, pendingIds) : []
    const accounts = await findWrongAccounts(payments)
    const impossible = await findImpossibleAmounts(payments, { table: 'ledger', id: 'tx_id' })
    return { sums, debits, accounts, impossible }
  }
  const [ours, theirs] = await Promise.all([inOrders(), inPayments()])
  const differing = differingParts(ours.sums, theirs.sums)
  const settled = await compareParts({ orders, payments }, differing, new Set(pendingIds))
  return {
    findings: [
      ...wrongAccounts(theirs.accounts),
      ...impossibleAmounts('orders', ours.impossible),
      ...impossibleAmounts('ledger', theirs.impossible),
      ...uncompared(differing.length - mostParts),
    ],
    suspects: [...settled, ...compareBooks(pending, theirs.debits)],
    overdue: pending.filter(({ age_ms }) => age_ms > olderThanMs),
  }
}

async function compareParts(
  { orders, payments }: Snapshots,
  differing: number[],
  pending: Set<string>,
): Promise<Finding[]> {
  const some = differing.slice(0, mostParts)
  if (some.length === 0) return []
  const [ours, theirs] = await Promise.all([
    findOrdersIn(orders, some),
    findDebitsIn(payments, some),
  ])
  const isSettled = ({ order_id }: DebitFacts) => !pending.has(order_id)
  return compareBooks(ours, theirs.filter(isSettled))
}

/** Both anew, and Orders first again: the debits were there before, so their orders must be now. */
async function compareAgain({ orders, payments }: Books, orderIds: string[]): Promise<Finding[]> {
  const ours = await findOrders(orders, orderIds)
  return compareBooks(ours, await findDebits(payments, orderIds))
}

const uncompared = (count: number): Finding[] =>
  count > 0
    ? [{ kind: 'more-differences', message: `${count} more parts of the books disagree` }]
    : []

const deadLetterFinding = ({ queue, messages }: QueueState): Finding[] =>
  messages
    ? [{ kind: 'dead-letters', queue, message: `${messages} in ${queue}: see operator dlq list` }]
    : []

const silentQueueFinding = ({ queue, remedy }: SilentQueue): Finding => ({
  kind: 'queue-without-leader',
  queue,
  message: `${queue} takes and gives nothing: run ${remedy}`,
})
