import { movingQueue } from '#messaging/broker/topology.ts'
import type { QueueBrowser } from '../dead-letters/broker/queue-browser.ts'
import type { OtherArgument } from '../dead-letters/broker/queue-declarations.ts'
import { type KnownQueue, knownQueues, otherArgument } from './known-queues.ts'

/** A queue, compared with what this release declares. */
export interface ListedQueue {
  queue: string
  /** Ready messages; null when there is no such queue: any process declares it. */
  messages: number | null
  consumers: number
  /** Null when its arguments are those of this release. */
  other_argument: OtherArgument | null
  /** Messages that a move has left in the second queue; null when no move is under way. */
  moving: number | null
}

/** All queues of this release. Declares nothing. */
export const listQueues = (browser: QueueBrowser): Promise<ListedQueue[]> =>
  Promise.all(knownQueues.map((known) => listQueue(browser, known)))

async function listQueue(browser: QueueBrowser, known: KnownQueue): Promise<ListedQueue> {
  const state = await browser.stateOf(known.queue)
  const { messages: moving } = await browser.stateOf(movingQueue(known.queue))
  const other = state.messages === null ? undefined : await otherArgument(browser, known)
  return { ...state, other_argument: other ?? null, moving }
}
