import { queues } from '#contracts/topology.ts'
import { queueConfigs } from '#messaging/broker/topology.ts'
import type { QueueBrowser } from '../dead-letters/broker/queue-browser.ts'
import {
  type Binding,
  type DeclaredQueue,
  declareQueue,
  type OtherArgument,
  otherArgumentIn,
} from '../dead-letters/broker/queue-declarations.ts'

/** A queue as this release declares it. */
export interface KnownQueue extends DeclaredQueue {
  /** The consumer that declares it. */
  consumer: string
  /** Undefined for a dead-letter queue: messages are published to it by its name. */
  binding: Binding | undefined
}

/** The queues of the consumers, each with its dead-letter queue. */
export const knownQueues: readonly KnownQueue[] = Object.values(queues).flatMap(
  ({ queue: consumer, exchange, routingKeys }) =>
    queueConfigs(consumer).map(([queue, options]) => ({
      ...{ queue, consumer, options },
      binding: queue === consumer ? { exchange, routingKeys } : undefined,
    })),
)

/**
 * The argument that a queue has, where this release needs another one; declares a missing queue.
 */
export async function otherArgument(
  browser: QueueBrowser,
  known: DeclaredQueue,
): Promise<OtherArgument | undefined> {
  try {
    await browser.onChannel((channel) => declareQueue(channel, known))
    return undefined
  } catch (error) {
    const other = otherArgumentIn(error)
    if (!other) throw error
    return other
  }
}
