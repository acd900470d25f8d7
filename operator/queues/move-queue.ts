import { setTimeout as delay } from 'node:timers/promises'
import { EnvironmentError } from '#chassis/errors.ts'
import { movingOptions, movingQueue } from '#messaging/broker/topology.ts'
import { movedHeaders } from '#messaging/inbox/dead-letter-message.ts'
import type { QueueBrowser } from '../dead-letters/broker/queue-browser.ts'
import {
  bindQueue,
  declareQueue,
  deleteQueue,
  unbindQueue,
} from '../dead-letters/broker/queue-declarations.ts'
import {
  type DeliveredMessage,
  type Message,
  prefetchSize,
} from '../dead-letters/broker/unacked-messages.ts'
import { type KnownQueue, otherArgument } from './known-queues.ts'

export interface MoveOptions {
  /** Called before each step; a step that ended in the middle is repeated by the next run. */
  onStep: (step: string) => void
  /**
   * How long a message may be on its way to a queue that it was routed to. After that its relay has
   * given it up, and publishes it again.
   */
  inFlightMs: number
}

/** RELAY_DEADLINE_MS is 9 s at most. */
export const longestInFlightMs = 10_000

/**
 * Gives a queue the arguments of this release, and loses nothing, while relays go on publishing.
 * Returns how many messages it has then.
 *
 * 1. A second queue is declared, and bound like the first one; then the first one is unbound.
 * 2. What the first one holds is published to the second one, each message acknowledged when the
 *    broker has confirmed its copy. When the first one is empty, it is deleted.
 * 3. It is declared again, with the new arguments, and everything goes back the same way.
 *
 * At each moment one of both is bound. Interrupted at any step, the next run goes on from what it
 * finds; a message may be there twice then, and the inbox drops the duplicate. Rejects with
 * `conflict` while a consumer runs that would bind and declare the queue as before.
 */
export async function moveQueue(
  browser: QueueBrowser,
  known: KnownQueue,
  options: MoveOptions,
): Promise<number> {
  await browser.lock()
  const move = { browser, known, options }
  const moving = { queue: movingQueue(known.queue), options: movingOptions }
  const isOther = (await otherArgument(browser, known)) !== undefined
  if (isOther) {
    await refuseConsumers(move)
    await pour(move, { from: known, to: moving, mayDelete: () => refuseConsumers(move) })
  }
  const isMoving = (await browser.stateOf(moving.queue)).messages !== null
  return isMoving ? pour(move, { from: moving, to: known, mayDelete: async () => {} }) : 0
}

interface Move {
  browser: QueueBrowser
  known: KnownQueue
  options: MoveOptions
}

type Declared = Pick<KnownQueue, 'queue' | 'options'>

/** Everything of one queue into another one, which takes its bindings; deletes the first one. */
async function pour(
  move: Move,
  { from, to, mayDelete }: { from: Declared; to: Declared; mayDelete: () => Promise<void> },
): Promise<number> {
  const { browser, options, known } = move
  const step = (name: string, work: Parameters<QueueBrowser['onChannel']>[0]) => {
    options.onStep(name)
    return browser.onChannel(work)
  }
  await step(`declare ${to.queue}`, (channel) => declareQueue(channel, to))
  await step(`bind ${to.queue}`, (channel) => bindQueue(channel, to.queue, known.binding))
  await step(`unbind ${from.queue}`, (channel) => unbindQueue(channel, from.queue, known.binding))
  const [, drained] = await Promise.all([delay(options.inFlightMs), drain(move, from, to)])
  const late = await drain(move, from, to)
  await mayDelete()
  await step(`delete ${from.queue}`, (channel) => deleteQueue(channel, from.queue))
  return drained + late
}

/** The broker may go on counting a consumer that has gone, such as our own of a moment ago. */
const consumersGoneMs = 3_000

/** A consumer that runs takes messages, publishes dead letters, and declares what it knows. */
async function refuseConsumers({ browser, known: { queue, consumer } }: Move): Promise<void> {
  const endMs = performance.now() + consumersGoneMs
  while ((await browser.stateOf(consumer)).consumers > 0) {
    if (performance.now() > endMs)
      throw new EnvironmentError('conflict', isRunning(consumer, queue))
    await delay(100)
  }
}

const isRunning = (consumer: string, queue: string) =>
  `${consumer} is running: stop all its replicas, since they would declare ${queue} as before`

/** Until the queue is empty; returns how many messages it had. */
async function drain({ browser, known, options }: Move, from: Declared, to: Declared) {
  const copy = async (messages: DeliveredMessage[]) => {
    const copies = messages.map((message) => copyOf(message, from.queue, known.queue))
    await browser.publishTo(to.queue, copies)
    options.onStep(`confirmed by ${to.queue}`)
    return messages.map(() => 'ack' as const)
  }
  let moved = 0
  for (;;) {
    options.onStep(`drain ${from.queue}`)
    const count = await browser.browse(from.queue, () => prefetchSize, copy)
    if (count === 0) return moved
    moved += count
  }
}

function copyOf({ content, properties, fields }: DeliveredMessage, from: string, queue: string) {
  const { exchange, routingKey } = fields
  const origin = { exchange, routingKey, headers: properties.headers ?? {} }
  const headers = movedHeaders({ ...origin, from }, queue)
  return { content, properties: { ...properties, headers } } satisfies Message
}
