import { isCode } from '#chassis/errors.ts'
import { queues } from '#contracts/topology.ts'
import { deadLetterQueue } from '#messaging/broker/topology.ts'
import { silentQueues } from '#rabbitmq-3.10/leaderless-queues.ts'
import { sentenceOf } from './cli/table.ts'
import { atDesk, type Desk, type QueueState } from './dead-letters/broker/queue-browser.ts'
import { listLetters } from './dead-letters/dead-letters.ts'
import type { LetterSummary } from './dead-letters/letter.ts'
import type { DeadLetters, Mail } from './reconcile/reconcile.ts'

/** Those who consume, and have dead letters in `<name>.dlq`. */
export const consumerQueues: readonly string[] = Object.values(queues).map(({ queue }) => queue)

/**
 * What the broker at a URL has; each question is a connection of its own. Another operator at the dead
 * letters is waited for as long as a desk waits, unless something else is said. Neither rejects: what
 * could not be found out is said in words.
 */
export const mailAt = (url: string, lockWaitMs?: number): Mail => ({
  deadLetters: (areWanted) =>
    atDesk(url, (desk) => readDeadLetters(desk, { areWanted }), lockWaitMs).catch(
      (error: Error) => ({ queues: [], letters: [], uncounted: sentenceOf(error) }),
    ),
  silentQueues: async () => {
    try {
      const silent = await silentQueues(url, allQueues)
      const found = silent.map((queue) => ({ queue, remedy: election(url, queue) }))
      return { queues: found, unasked: null }
    } catch (error) {
      return { queues: [], unasked: sentenceOf(error as Error) }
    }
  },
})

const allQueues = consumerQueues.flatMap((queue) => [queue, deadLetterQueue(queue)])

const all = { queues: consumerQueues, limit: Infinity }

/** All dead letters; each goes back to its place. */
export async function allLetters(url: string): Promise<LetterSummary[]> {
  return (await atDesk(url, (desk) => listLetters(desk, all))).letters
}

/** Under the lock, if it can be had: what another operator has in hand cannot be counted. */
async function readDeadLetters(
  desk: Desk,
  { areWanted }: { areWanted: boolean },
): Promise<DeadLetters> {
  const isComplete = await isAlone(desk)
  const counts = await Promise.all(
    consumerQueues.map((queue) => count(desk, deadLetterQueue(queue))),
  )
  const found = counts.map(({ state }) => state)
  const whyNot = isComplete ? counts.find(({ whyNot }) => whyNot)?.whyNot : anotherOperator
  const counted = { queues: found, letters: [], uncounted: whyNot ?? null }
  if (!isComplete || !areWanted) return counted
  const filled = consumerQueues.filter((_, index) => (found[index]?.messages ?? 0) > 0)
  return listLetters(desk, { queues: filled, limit: Infinity }).then(
    ({ letters }) => ({ ...counted, letters }),
    (error: Error) => ({ ...counted, uncounted: sentenceOf(error) }),
  )
}

const anotherOperator = 'another operator was at the dead letters'

/** Of a queue that does not serve, what it says all the same, and that it does not. */
async function count(desk: Desk, queue: string): Promise<{ state: QueueState; whyNot?: string }> {
  try {
    return { state: await desk.countOf(queue) }
  } catch (error) {
    return { state: await desk.stateOf(queue), whyNot: sentenceOf(error as Error) }
  }
}

async function isAlone(desk: Desk): Promise<boolean> {
  try {
    await desk.lock()
    return true
  } catch (error) {
    if (!isCode(error, 'conflict')) throw error
    return false
  }
}

/** What makes a queue's only replica its leader, under the name that RabbitMQ has for it inside. */
function election(url: string, queue: string): string {
  const vhost = decodeURIComponent(new URL(url).pathname.slice(1)) || '/'
  const name = `${vhost === '/' ? '%2F' : vhost}_${queue}`
  return `rabbitmqctl eval "ra:trigger_election({'${name}', node()})."`
}
