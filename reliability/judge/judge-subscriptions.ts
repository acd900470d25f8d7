import { isOnWayTo, type OrderStatus } from '#contracts/order-states.ts'

/** One WebSocket that follows a user or an order, and is never opened again by its client. */
export interface Subscription {
  target: { userId: string } | { orderId: string }
  /** From then on it counts; undefined while the handshake is not answered. */
  openedAtMs: number | undefined
  /** Undefined while it is open. */
  closedAtMs: number | undefined
  /** The last status at rest of each order that it was told, and when it was told first. */
  received: ReadonlyMap<string, { status: OrderStatus; atMs: number }>
}

/** An order that is final, since when. */
export interface End {
  orderId: string
  userId: string
  status: OrderStatus
  endedAtMs: number
}

/** Longer than that no connection stays open and tells nothing, whatever else goes on. */
const silentMaxMs = 60_000

/**
 * The ends that a subscription must have been told: of a user what ended since it was opened, the
 * end of an order always. Who is connected until all is over is told everything; a client whose
 * connection was closed knows that it may have missed something of its last minute.
 */
export function owedEnds(
  { target, openedAtMs, closedAtMs = Number.POSITIVE_INFINITY }: Subscription,
  ends: readonly End[],
): End[] {
  if (openedAtMs === undefined) return []
  return ends.filter(({ orderId, userId, endedAtMs }) => {
    if (Math.max(endedAtMs, openedAtMs) > closedAtMs - silentMaxMs) return false
    if ('orderId' in target) return orderId === target.orderId
    return userId === target.userId && endedAtMs >= openedAtMs
  })
}

/**
 * Who follows an order is told the first status at rest, and no refund afterwards; who follows a
 * user, the last one.
 */
function isReceived({ target, received }: Subscription, { orderId, status }: End): boolean {
  const heard = received.get(orderId)?.status
  if (heard === undefined || 'userId' in target) return heard === status
  return isOnWayTo(heard, status)
}

/** A sentence for each who was not told what is owed, or not as it is. */
export const subscriptionFaults = (
  subscriptions: readonly Subscription[],
  ends: readonly End[],
): string[] =>
  subscriptions.flatMap((one) => {
    const owed = owedEnds(one, ends)
    const heardOf = ({ orderId }: End) => one.received.get(orderId)?.status ?? 'nothing'
    const wrong = owed.filter((end) => !isReceived(one, end))
    const [first] = wrong
    if (!first) return []
    const example = `${first.orderId} is ${first.status}, told was ${heardOf(first)}`
    return [
      `${nameOf(one)}, connected all the time, was not told ${wrong.length} of ${owed.length} ends: ${example}`,
    ]
  })

/**
 * How long after it ended each order was told, in ms; until now where that is owed and was not
 * done.
 */
export const tellingTimes = (
  subscriptions: readonly Subscription[],
  ends: readonly End[],
  nowMs: number,
): number[] =>
  subscriptions.flatMap((one) => {
    const owed = new Set(owedEnds(one, ends))
    return ends.flatMap((end) => {
      const receivedAtMs =
        one.received.get(end.orderId)?.atMs ?? (owed.has(end) ? nowMs : undefined)
      if (receivedAtMs === undefined || receivedAtMs < end.endedAtMs) return [] // what it was told came before a refund
      return [receivedAtMs - Math.max(end.endedAtMs, one.openedAtMs ?? 0)]
    })
  })

const nameOf = ({ target }: Subscription): string =>
  'userId' in target ? `who follows ${target.userId}` : `who follows order ${target.orderId}`
