import { until } from '#local/supervisor/waiting.ts'
import type { FinalState } from '../judge/final-state.ts'
import { type Databases, owedEvents, pendingOrders } from '../judge/read-final-state.ts'
import type { Broker } from './broker.ts'

/** What has to be asked whether anything is on its way. */
export interface Asked {
  databases: Databases
  broker: Pick<Broker, 'manage'>
}

/** Waits until nothing is on its way any more; false when it did not come to that in time. */
export async function quiesce({ databases, broker }: Asked, timeoutMs: number): Promise<boolean> {
  const isQuiet = async () => {
    const owed = Object.values(await owedEverywhere({ databases, broker }))
    return (await pendingOrders(databases)) === 0 && owed.every((count) => count === 0)
  }
  return until(() => isQuiet().catch(() => false), { timeoutMs, everyMs: 250 })
}

/**
 * What the outboxes owe, and what is in the queues, in somebody's hands or not: NaN while the
 * broker, come back just now, does not know it. It counts every five seconds only.
 */
export async function owedEverywhere({ databases, broker }: Asked): Promise<FinalState['owed']> {
  const queues = (await broker.manage('GET', '/queues')) as { name: string; messages?: number }[]
  const live = queues.filter(({ name }) => !name.endsWith('.dlq'))
  const inQueues = live.map(({ name, messages }) => [`queue ${name}`, messages ?? Number.NaN])
  return { ...(await owedEvents(databases)), ...Object.fromEntries(inQueues) }
}

/** A message in somebody's hands, uncounted, may still become one of those that are awaited. */
const lettersWithinMs = 30_000

/**
 * Takes the dead letters out of their queues, until those that are awaited have come, or time is
 * over.
 */
export async function takeDeadLetters(asked: Pick<Asked, 'broker'>, awaited: string[]) {
  const letters: FinalState['deadLetters'] = []
  const areAllThere = async () => {
    letters.push(...(await takeThoseThere(asked)))
    const there = new Set(letters.map(({ messageId }) => messageId))
    return awaited.every((messageId) => there.has(messageId))
  }
  await until(areAllThere, { timeoutMs: lettersWithinMs, everyMs: 250 })
  return letters
}

async function takeThoseThere({ broker }: Pick<Asked, 'broker'>) {
  const letters: FinalState['deadLetters'] = []
  for (const queue of ['payments-consumer', 'orders-consumer']) {
    for (;;) {
      const order = { count: 500, ackmode: 'ack_requeue_false', encoding: 'auto', truncate: 100 }
      const got = await broker.manage('POST', `/queues/%2F/${queue}.dlq/get`, order)
      const taken = (got as DeadLetter[]).map(({ properties }) => ({
        queue,
        messageId: properties.message_id ?? '',
        reason: String(properties.headers?.['dead-letter-reason']),
      }))
      if (taken.length === 0) break
      letters.push(...taken)
    }
  }
  return letters
}

interface DeadLetter {
  properties: { message_id?: string; headers?: Record<string, unknown> }
}
