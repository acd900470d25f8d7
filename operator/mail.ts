import { atDesk, type Desk, type QueueState } from '#chassis/broker/desk.ts'
import { silentQueues } from '#chassis/broker/silent-queues.ts'
import { deadLetterQueue } from '#chassis/broker/topology.ts'
import { isCode } from '#chassis/errors.ts'
import { queues } from '#contracts/topology.ts'
import { listLetters } from './dead-letters.ts'
import type { LetterSummary } from './letter.ts'
import type { DeadLetters, Mail } from './reconcile.ts'
import { sentenceOf } from './text.ts'

/** Those who consume, and have dead letters in `<name>.dlq`. */
export const consumerQueues: readonly string[] = Object.values(queues).map(({ queue }) => queue)

/**
 * What the broker at a URL has; each question is a connection of its own. Another operator at the dead
 * letters is waited for as long as a desk waits, unless something else is said. A broker that is away
 * leaves them uncounted.
 */
export const mailAt = (url: string, lockWaitMs?: number): Mail => ({
  deadLetters: async (areWanted) => {
    try {
      return await atDesk(url, (desk) => readDeadLetters(desk, { areWanted }), lockWaitMs)
    } catch (error) {
      return { queues: [], letters: [], uncounted: reasonOf(error) }
    }
  },
  silentQueues: async () => {
    try {
      const silent = await silentQueues(url, allQueues)
      return silent.map((queue) => ({ queue, remedy: election(url, queue) }))
    } catch (error) {
      reasonOf(error)
      return []
    }
  },
})

const allQueues = consumerQueues.flatMap((queue) => [queue, deadLetterQueue(queue)])

/** Why the broker says nothing. Throws the error again if it is about something else. */
function reasonOf(error: unknown): string {
  if (!isCode(error, 'unavailable')) throw error
  return sentenceOf(error as Error)
}

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
  const found = await Promise.all(
    consumerQueues.map((queue) => stateOf(desk, deadLetterQueue(queue))),
  )
  const filled = consumerQueues.filter((_, index) => (found[index]?.messages ?? 0) > 0)
  if (!isComplete) return { queues: found, letters: [], uncounted: anotherOperator }
  if (!areWanted) return { queues: found, letters: [], uncounted: null }
  const { letters } = await listLetters(desk, { queues: filled, limit: Infinity })
  return { queues: found, letters, uncounted: null }
}

const anotherOperator = 'another operator was at the dead letters'

/** Of a queue that does not serve what it says: `silentQueues` tells of it. */
async function stateOf(desk: Desk, queue: string): Promise<QueueState> {
  try {
    return await desk.countOf(queue)
  } catch (error) {
    if (!isCode(error, 'unavailable')) throw error
    return desk.stateOf(queue)
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
