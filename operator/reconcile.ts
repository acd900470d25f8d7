import type { QueueState } from '#chassis/broker/desk.ts'
import {
  type AttemptFacts,
  type DebitFacts,
  findAttempts,
  findDebits,
  findDebitsIn,
  findHandled,
  findImpossibleAmounts,
  findOrders,
  findOrdersIn,
  findPendingOrders,
  findSubjects,
  findUnpublished,
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
  pendingTooLong,
  wrongAccounts,
} from './findings.ts'
import type { LetterSummary } from './letter.ts'

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
    ...(await stuckOrders(books, read, letters)),
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

/** Those that are still pending by now, each with what is known of where it is. */
async function stuckOrders(
  books: Books,
  { overdue }: Reading,
  letters: LetterSummary[],
): Promise<Finding[]> {
  if (overdue.length === 0) return []
  const ids = overdue.map(({ order_id }) => order_id)
  const requestIds = overdue.flatMap(({ request_id }) => request_id ?? [])
  const failingRequests = await failing(books.payments, books.orders)
  const failingReplies = await failing(books.orders, books.payments)
  const requests = byOrder(await findUnpublished(books.orders, ids))
  const replies = byOrder(await findUnpublished(books.payments, ids))
  const handled = new Set(
    (await findHandled(books.payments, requestIds)).map((row) => row.event_id),
  )
  const debits = await findDebits(books.payments, ids)
  const decided = new Set(debits.map(({ order_id }) => order_id))
  const lettersOf = (queue: string) => byOrder(letters.filter((letter) => letter.queue === queue))
  const deadRequests = lettersOf('payments-consumer.dlq')
  const deadReplies = lettersOf('orders-consumer.dlq')
  const now = await findOrders(books.orders, ids)
  const pending = new Set(
    now.filter(({ status }) => status === 'PAYMENT_PENDING').map(({ order_id }) => order_id),
  )
  return overdue
    .filter(({ order_id }) => pending.has(order_id))
    .map((order) =>
      pendingTooLong(order, {
        isDecided: decided.has(order.order_id),
        unpublishedRequest: requests.get(order.order_id),
        unpublishedReply: replies.get(order.order_id),
        failingRequest: failingRequests.get(order.order_id),
        failingReply: failingReplies.get(order.order_id),
        deadRequest: deadRequests.get(order.order_id),
        deadReply: deadReplies.get(order.order_id),
        isHandled: order.request_id !== null && handled.has(order.request_id),
      }),
    )
}

/** Events that their receiver cannot handle just now, by their order, which the sender knows. */
async function failing(
  receiver: Parameters<typeof findAttempts>[0],
  sender: Parameters<typeof findSubjects>[0],
): Promise<Map<string, AttemptFacts>> {
  const attempts = await findAttempts(receiver)
  if (attempts.length === 0) return new Map()
  const byEvent = new Map(attempts.map((attempt) => [attempt.event_id, attempt]))
  const subjects = await findSubjects(sender, [...byEvent.keys()])
  return new Map(
    subjects.flatMap(({ event_id, order_id }) => {
      const attempt = byEvent.get(event_id)
      return attempt ? [[order_id, attempt] as const] : []
    }),
  )
}

const byOrder = <Row extends { order_id: string | null }>(rows: Row[]): Map<string, Row> =>
  new Map(rows.flatMap((row) => (row.order_id === null ? [] : [[row.order_id, row] as const])))

const deadLetterFinding = ({ queue, messages }: QueueState): Finding[] =>
  messages
    ? [{ kind: 'dead-letters', queue, message: `${messages} in ${queue}: see operator dlq list` }]
    : []

const silentQueueFinding = ({ queue, remedy }: SilentQueue): Finding => ({
  kind: 'queue-without-leader',
  queue,
  message: `${queue} takes and gives nothing: run ${remedy}`,
})
