import type {
  BrokerReport,
  DeadLetters,
  HalfMovedQueue,
  LeaderlessQueue,
} from '../broker-report.ts'
import { type Databases, onSnapshots, type Snapshots } from '../databases.ts'
import { findImpossibleAmounts, findWrongAccounts } from './account-rows.ts'
import { sumEntries, sumOrders } from './checksum-rows.ts'
import { compareAgain, compareBuckets, DisagreeingOrders } from './compare-buckets.ts'
import {
  compareOrders,
  differingBuckets,
  type Finding,
  impossibleAmounts,
  wrongAccounts,
} from './findings.ts'
import { findEntries, findPendingOrders, type PendingOrder } from './rows.ts'
import { stuckOrders } from './stuck-orders.ts'

export interface Reconciling {
  databases: Databases
  broker?: BrokerReport | undefined
  /** An order may be pending for so long. */
  olderThanMs: number
  /** So many orders that disagree are named one by one; more are only counted. */
  mostListed?: number
}

const noDeadLetters: DeadLetters = { queues: [], letters: [], uncounted: null }
const none = { queues: [], unknown: null }

/**
 * Every broken promise, in both databases and in the dead letters. Whatever is on its way is no
 * finding: the databases are read at one moment each, Orders first, and an order about which they
 * disagree is looked up again.
 */
export async function reconcile({
  databases,
  broker,
  olderThanMs,
  mostListed = 100_000,
}: Reconciling): Promise<Finding[]> {
  const disagreeing = new DisagreeingOrders(mostListed)
  const read = await onSnapshots(databases, (snapshots) => readAll(snapshots, disagreeing))
  const overdue = read.pending.filter(({ age_ms }) => age_ms > olderThanMs)
  const disagreements = await compareAgain(databases, disagreeing)
  const dead = (await broker?.deadLetters(overdue.length > 0)) ?? noDeadLetters
  const leaderless = (await broker?.leaderlessQueues()) ?? none
  const halfMoved = (await broker?.halfMovedQueues()) ?? none
  return [
    ...read.findings,
    ...disagreements,
    ...moreDifferences(disagreeing),
    ...(await stuckOrders(databases, overdue, dead.letters)),
    ...deadLetterFindings(dead),
    ...leaderless.queues.map(leaderlessQueueFinding),
    ...halfMoved.queues.map(halfMovedFinding),
    ...uncountedFindings(dead.uncounted ?? leaderless.unknown ?? halfMoved.unknown),
  ]
}

interface Reading {
  findings: Finding[]
  pending: PendingOrder[]
}

/** Adds the orders about which the snapshots disagree: some may only be too new. */
async function readAll(
  { orders, payments }: Snapshots,
  disagreeing: DisagreeingOrders,
): Promise<Reading> {
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
    const sums = await sumEntries(payments, pendingIds)
    const entries = pendingIds.length > 0 ? await findEntries(payments, pendingIds) : []
    const accounts = await findWrongAccounts(payments)
    const impossible = await findImpossibleAmounts(payments, { table: 'ledger', id: 'tx_id' })
    return { sums, entries, accounts, impossible }
  }
  const [ours, theirs] = await Promise.all([inOrders(), inPayments()])
  const differing = differingBuckets(ours.sums, theirs.sums)
  const stillPending = new Set(pendingIds)
  for await (const some of compareBuckets({ orders, payments }, differing, stillPending)) {
    disagreeing.add(some)
  }
  disagreeing.add(compareOrders(pending, theirs.entries))
  return {
    findings: [
      ...wrongAccounts(theirs.accounts),
      ...impossibleAmounts('orders', ours.impossible),
      ...impossibleAmounts('ledger', theirs.impossible),
    ],
    pending,
  }
}

const moreDifferences = ({ unnamed: count }: DisagreeingOrders): Finding[] =>
  count > 0
    ? [{ kind: 'more-differences', message: `${count} more orders or debits disagree` }]
    : []

function deadLetterFindings({ queues, uncounted }: DeadLetters): Finding[] {
  return queues.flatMap(({ queue, messages }): Finding[] => {
    const count = uncounted === null ? messages : `${messages} or more`
    const message = `${count} in ${queue}: see operator dlq list`
    return messages ? [{ kind: 'dead-letters', queue, message }] : []
  })
}

const uncountedFindings = (why: string | null): Finding[] =>
  why === null ? [] : [{ kind: 'dead-letters-uncounted', message: `${why}; ${unknownThen}` }]

const unknownThen =
  'not all dead letters were counted, and none may be named as the reason why an order is stuck'

const leaderlessQueueFinding = ({ queue, remedy }: LeaderlessQueue): Finding => ({
  kind: 'queue-without-leader',
  queue,
  message: `${queue} has no leader, and neither accepts nor delivers: run ${remedy}`,
})

const halfMovedFinding = ({ queue, moving, messages }: HalfMovedQueue): Finding => ({
  kind: 'queue-half-moved',
  queue,
  message: `a move was interrupted, and ${messages} messages wait in ${moving}: run operator queue move ${queue} --yes`,
})
