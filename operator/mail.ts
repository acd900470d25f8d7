import { atDesk } from '#chassis/broker/desk.ts'
import { silentQueues } from '#chassis/broker/silent-queues.ts'
import { deadLetterQueue } from '#chassis/broker/topology.ts'
import { queues } from '#contracts/topology.ts'
import { listLetters } from './dead-letters.ts'
import type { LetterSummary } from './letter.ts'
import type { Mail } from './reconcile.ts'

/** Those who consume, and have dead letters in `<name>.dlq`. */
export const consumerQueues: readonly string[] = Object.values(queues).map(({ queue }) => queue)

/** What the broker at a URL has; each question is a connection of its own. */
export const mailAt = (url: string): Mail => ({
  deadLetterQueues: () =>
    atDesk(url, (desk) =>
      Promise.all(consumerQueues.map((queue) => desk.stateOf(deadLetterQueue(queue)))),
    ),
  letters: () => allLetters(url),
  silentQueues: async () => {
    const all = consumerQueues.flatMap((queue) => [queue, deadLetterQueue(queue)])
    return (await silentQueues(url, all)).map((queue) => ({ queue, remedy: election(url, queue) }))
  },
})

/** All dead letters; each goes back to its place. */
export async function allLetters(url: string): Promise<LetterSummary[]> {
  const all = { queues: consumerQueues, limit: Infinity }
  return (await atDesk(url, (desk) => listLetters(desk, all))).letters
}

/** What makes a queue's only replica its leader, under the name that RabbitMQ has for it inside. */
function election(url: string, queue: string): string {
  const vhost = decodeURIComponent(new URL(url).pathname.slice(1)) || '/'
  const name = `${vhost === '/' ? '%2F' : vhost}_${queue}`
  return `rabbitmqctl eval "ra:trigger_election({'${name}', node()})."`
}
