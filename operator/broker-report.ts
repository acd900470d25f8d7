import { isCode } from '#chassis/errors.ts'
import { queues } from '#contracts/topology.ts'
import { virtualHost } from '#messaging/broker/address.ts'
import { deadLetterQueue, movingQueue } from '#messaging/broker/topology.ts'
import { leaderlessQueues } from '#rabbitmq-3.10/leaderless-queues.ts'
import { errorText } from './cli/error-text.ts'
import {
  type QueueBrowser,
  type QueueState,
  withQueueBrowser,
} from './dead-letters/broker/queue-browser.ts'
import { listDeadLetters } from './dead-letters/dead-letters.ts'
import type { DeadLetterSummary } from './dead-letters/summary.ts'

/** The queues of the consumers, whose dead letters are in `<name>.dlq`. */
export const consumerQueues: readonly string[] = Object.values(queues).map(({ queue }) => queue)

/** What the broker reports. Each call is a connection of its own. A call never rejects. */
export interface BrokerReport {
  /**
   * Counts the dead letters, and lists them if asked to: they may explain why an order is stuck.
   */
  deadLetters: (areListed: boolean) => Promise<DeadLetters>
  /** Queues that exist and have no leader; or why that is unknown. */
  leaderlessQueues: () => Promise<{ queues: LeaderlessQueue[]; unknown: string | null }>
  /** Queues whose move was interrupted; or why that is unknown. */
  halfMovedQueues: () => Promise<{ queues: HalfMovedQueue[]; unknown: string | null }>
}

export interface DeadLetters {
  queues: QueueState[]
  letters: DeadLetterSummary[]
  /** Why the count is incomplete; null when it is complete. */
  uncounted: string | null
}

export interface LeaderlessQueue {
  queue: string
  /** The command that elects a leader. */
  remedy: string
}

export interface HalfMovedQueue {
  queue: string
  /** The queue that has the messages meanwhile. */
  moving: string
  messages: number
}

/** The report of the broker at a URL. Waits for another operator up to `lockWaitMs`. */
export const brokerReport = (url: string, lockWaitMs?: number): BrokerReport => ({
  deadLetters: (areListed) =>
    withQueueBrowser(url, (browser) => readDeadLetters(browser, { areListed }), lockWaitMs).catch(
      (error: Error) => ({ queues: [], letters: [], uncounted: errorText(error) }),
    ),
  leaderlessQueues: async () => {
    try {
      const found = await leaderlessQueues(url, allQueues)
      const withRemedy = found.map((queue) => ({ queue, remedy: electionCommand(url, queue) }))
      return { queues: withRemedy, unknown: null }
    } catch (error) {
      return { queues: [], unknown: errorText(error as Error) }
    }
  },
  halfMovedQueues: () =>
    withQueueBrowser(url, findHalfMoved).then(
      (queues) => ({ queues, unknown: null }),
      (error: Error) => ({ queues: [], unknown: errorText(error) }),
    ),
})

async function findHalfMoved(browser: QueueBrowser): Promise<HalfMovedQueue[]> {
  const states = await Promise.all(
    allQueues.map(async (queue) => {
      const { queue: moving, messages } = await browser.stateOf(movingQueue(queue))
      return { queue, moving, messages }
    }),
  )
  return states.flatMap(({ messages, ...one }) => (messages === null ? [] : [{ ...one, messages }]))
}

const allQueues = consumerQueues.flatMap((queue) => [queue, deadLetterQueue(queue)])

const all = { queues: consumerQueues, limit: Infinity }

/** Lists all dead letters, and leaves each in its place. */
export async function listAllDeadLetters(url: string): Promise<DeadLetterSummary[]> {
  return (await withQueueBrowser(url, (browser) => listDeadLetters(browser, all))).letters
}

/**
 * Counts under the lock if possible: unacknowledged messages of another operator are in no count.
 */
async function readDeadLetters(
  browser: QueueBrowser,
  { areListed }: { areListed: boolean },
): Promise<DeadLetters> {
  const isLocked = await tryLock(browser)
  const counts = await Promise.all(
    consumerQueues.map((queue) => count(browser, deadLetterQueue(queue))),
  )
  const found = counts.map(({ state }) => state)
  const reason = isLocked ? counts.find(({ error }) => error)?.error : anotherOperator
  const counted = { queues: found, letters: [], uncounted: reason ?? null }
  if (!isLocked || !areListed) return counted
  const filled = consumerQueues.filter((_, index) => (found[index]?.messages ?? 0) > 0)
  return listDeadLetters(browser, { queues: filled, limit: Infinity }).then(
    ({ letters }) => ({ ...counted, letters }),
    (error: Error) => ({ ...counted, uncounted: errorText(error) }),
  )
}

const anotherOperator = 'another operator was working on the dead letters'

/** Counts a queue. A queue that does not answer keeps its reported count, with the error. */
async function count(
  browser: QueueBrowser,
  queue: string,
): Promise<{ state: QueueState; error?: string }> {
  try {
    return { state: await browser.countOf(queue) }
  } catch (error) {
    return { state: await browser.stateOf(queue), error: errorText(error as Error) }
  }
}

async function tryLock(browser: QueueBrowser): Promise<boolean> {
  try {
    await browser.lock()
    return true
  } catch (error) {
    if (!isCode(error, 'conflict')) throw error
    return false
  }
}

/**
 * The command that elects the only replica of a queue, by the queue's internal name in RabbitMQ.
 */
function electionCommand(url: string, queue: string): string {
  const vhost = virtualHost(url)
  const name = `${vhost === '/' ? '%2F' : vhost}_${queue}`
  return `rabbitmqctl eval "ra:trigger_election({'${name}', node()})."`
}
