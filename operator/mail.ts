import { atDesk, type Desk } from '#chassis/broker/desk.ts'
import { silentQueues } from '#chassis/broker/silent-queues.ts'
import { deadLetterQueue } from '#chassis/broker/topology.ts'
import { isCode } from '#chassis/errors.ts'
import { queues } from '#contracts/topology.ts'
import { listLetters } from './dead-letters.ts'
import type { LetterSummary } from './letter.ts'
import type { DeadLetters, Mail } from './reconcile.ts'

/** Those who consume, and have dead letters in `<name>.dlq`. */
export const consumerQueues: readonly string[] = Object.values(queues).map(({ queue }) => queue)

/**
 * What the broker at a URL has; each question is a connection of its own. Another operator at the dead
 * letters is waited for as long as a desk waits, unless something else is said.
 */
export const mailAt = (url: string, lockWaitMs?: number): Mail => ({
  deadLetters: (areWanted) =>
    atDesk(url, (desk) => readDeadLetters(desk, { areWanted }), lockWaitMs),
  silentQueues: async () => {
    const all = consumerQueues.flatMap((queue) => [queue, deadLetterQueue(queue)])
    return (await silentQueues(url, all)).map((queue) => ({ queue, remedy: election(url, queue) }))
  },
})

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
    consumerQueues.map((queue) => desk.stateOf(deadLetterQueue(queue))),
  )
  const areThere = found.some(({ messages }) => (messages ?? 0) > 0)
  if (!isComplete || !areWanted || !areThere) return { queues: found, letters: [], isComplete }
  return { queues: found, letters: (await listLetters(desk, all)).letters, isComplete }
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
