/** One WebSocket that follows a user or an order, and is never opened again by its client. */
export interface Subscription {
  target: { userId: string } | { orderId: string }
  /** From then on it counts; undefined while the handshake is not answered. */
  openedAtMs: number | undefined
  isOpen: boolean
  /** The final status of each order that it was told, and when it was told first. */
  told: ReadonlyMap<string, { status: string; atMs: number }>
}

/** An order that is final, since when. */
export interface End {
  orderId: string
  userId: string
  status: string
  endedAtMs: number
}

/**
 * The ends that a subscription must have been told: nothing once it was closed, since its client
 * knows then; of a user what ended since it was opened; the end of an order always.
 */
export function owedEnds(
  { target, openedAtMs, isOpen }: Subscription,
  ends: readonly End[],
): End[] {
  if (openedAtMs === undefined || !isOpen) return []
  if ('orderId' in target) return ends.filter(({ orderId }) => orderId === target.orderId)
  return ends.filter(({ userId, endedAtMs }) => userId === target.userId && endedAtMs >= openedAtMs)
}

/** Whoever's connection is open is told every end, and as it is: a sentence for each who was not. */
export const subscriptionFaults = (
  subscriptions: readonly Subscription[],
  ends: readonly End[],
): string[] =>
  subscriptions.flatMap((one) => {
    const owed = owedEnds(one, ends)
    const heardOf = ({ orderId }: End) => one.told.get(orderId)?.status ?? 'nothing'
    const wrong = owed.filter((end) => heardOf(end) !== end.status)
    const [first] = wrong
    if (!first) return []
    const example = `${first.orderId} is ${first.status}, told was ${heardOf(first)}`
    return [
      `${nameOf(one)}, connected all the time, does not know ${wrong.length} of ${owed.length} ends: ${example}`,
    ]
  })

/** How long after each end that is owed it was told, in ms; until now where it was not yet. */
export const tellingTimes = (
  subscriptions: readonly Subscription[],
  ends: readonly End[],
  nowMs: number,
): number[] =>
  subscriptions.flatMap((one) =>
    owedEnds(one, ends).map(({ orderId, endedAtMs }) => {
      const { atMs } = one.told.get(orderId) ?? { atMs: nowMs }
      return atMs - Math.max(endedAtMs, one.openedAtMs ?? endedAtMs)
    }),
  )

const nameOf = ({ target }: Subscription): string =>
  'userId' in target ? `who follows ${target.userId}` : `who follows order ${target.orderId}`
