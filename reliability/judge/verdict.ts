import { isOnWayTo, isPending, type OrderStatus } from '#contracts/order-states.ts'
import { type FinalState, type Word, words } from './final-state.ts'
import type { Call, History } from './history.ts'
import { moneyFaults } from './judge-money.ts'
import { judgeOrders } from './judge-orders.ts'
import { refundFaults } from './judge-refunds.ts'
import { refusalFaults } from './judge-refusals.ts'

export interface Verdict {
  /** How many orders ended so. */
  orders: Record<Word, number>
  /** Every broken promise as a sentence; none is what we want. */
  faults: string[]
  /** Orders whose payment, or refund, had to be requested again. */
  requestedAgain: number
  /** Orders whose money was given back. */
  refunded: number
}

/** Judges a run from what its clients saw and what is left. Pure: call it when all has settled. */
export function verdictOf(history: History, finalState: FinalState): Verdict {
  const judged = judgeOrders(history, finalState)
  const orders = Object.fromEntries(words.map((word) => [word, 0])) as Record<Word, number>
  for (const { word } of judged) orders[word]++
  return {
    orders,
    faults: [
      ...judged.flatMap(({ word, fault }) => (fault ? [`${word}: ${fault}`] : [])),
      ...history.calls.flatMap(changedAnswer),
      ...unreceivedEnds(history, finalState),
      ...moneyFaults(history, finalState),
      ...refundFaults(history, finalState),
      ...refusalFaults(finalState),
      ...leftOvers(history, finalState),
    ],
    requestedAgain: finalState.orders.filter(({ request_attempts }) => request_attempts > 1).length,
    refunded: finalState.orders.filter(({ status }) => status === 'REFUNDED').length,
  }
}

/** One line for a terminal: `ok 940, recovered 3`. */
export const sayOrders = (orders: Verdict['orders']): string =>
  words.flatMap((word) => (orders[word] > 0 ? [`${word} ${orders[word]}`] : [])).join(', ')

const changedAnswer = ({ kind, key, bodies }: Call): string[] =>
  bodies.size > 1 ? [`the ${kind} with the key ${key} was answered in ${bodies.size} ways`] : []

/**
 * Whoever watches an order is told a status at rest, which the order has, or had before a refund;
 * whoever watches its refund, the last one.
 */
function unreceivedEnds({ received, refundsWatched }: History, { orders }: FinalState): string[] {
  const statuses = new Map(orders.map(({ order_id, status }) => [order_id, status]))
  return [...received].flatMap(([id, heard]) => {
    const status = statuses.get(id)
    if (status === undefined || isPending(status)) return []
    const mustHear = refundsWatched.has(id) ? heard.includes(status) : heard.length > 0
    if (!mustHear) return [`nobody was told that order ${id} is ${status}`]
    const wrong = heard.filter((each) => !isOnWayTo(each as OrderStatus, status))
    return wrong.length > 0 ? [`order ${id} is ${status}, a subscriber received ${wrong}`] : []
  })
}

/** Nothing is on its way any more, and what was set aside is what was meant to be. */
function leftOvers({ injected }: History, { owed, deadLetters }: FinalState): string[] {
  const letters = new Set(deadLetters.map(({ messageId }) => messageId))
  const meant = new Set(injected.map(({ messageId }) => messageId))
  return [
    ...Object.entries(owed).flatMap(([where, count]) => (count ? [`${count} left: ${where}`] : [])),
    ...injected.flatMap(({ queue, messageId }) =>
      letters.has(messageId) ? [] : [`${messageId} is no dead letter of ${queue}`],
    ),
    ...deadLetters.flatMap(({ queue, messageId, reason }) =>
      meant.has(messageId) ? [] : [`${messageId} is a dead letter of ${queue} (${reason})`],
    ),
  ]
}
