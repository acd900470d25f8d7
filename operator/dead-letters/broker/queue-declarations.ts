import type { Channel } from 'amqplib'
import { withTimeout } from '#chassis/timeout.ts'
import { otherArgumentOf, refusal } from '#messaging/broker/refusals.ts'
import { hasReplyCode } from './operator-lock.ts'

/** A queue as it is declared. */
export interface DeclaredQueue {
  queue: string
  options: { durable: boolean; arguments: object }
}

/** A binding of a queue to an exchange, for each routing key. */
export interface Binding {
  exchange: string
  routingKeys: readonly string[]
}

/** An argument that a queue has, where another one is needed. */
export interface OtherArgument {
  argument: string
  has: string
  needed: string
}

/** Limit for each reply of the broker; a queue may elect its leader meanwhile. */
const replyTimeoutMs = 10_000

const reply = <T>(what: string, answer: PromiseLike<T>): Promise<T> =>
  withTimeout(replyTimeoutMs, what, Promise.resolve(answer))

/** Declares a queue; rejects when it exists with other arguments, and closes the channel. */
export async function declareQueue(channel: Channel, { queue, options }: DeclaredQueue) {
  await reply(`declaring ${queue}`, channel.assertQueue(queue, options))
}

/** What was in the way of a declaration, by its error; undefined for another error. */
export function otherArgumentIn(error: unknown): OtherArgument | undefined {
  const other = hasReplyCode(error, refusal.otherArguments) && otherArgumentOf(error as Error)
  return other ? { argument: other.argument, has: other.theirs, needed: other.ours } : undefined
}

/** Binds a queue; nothing happens where it is bound. */
export async function bindQueue(channel: Channel, queue: string, to: Binding | undefined) {
  for (const key of to?.routingKeys ?? []) {
    await reply(`binding ${queue}`, channel.bindQueue(queue, to?.exchange ?? '', key))
  }
}

/** Removes the bindings of a queue; nothing happens where there are none. */
export async function unbindQueue(channel: Channel, queue: string, from: Binding | undefined) {
  for (const key of from?.routingKeys ?? []) {
    await reply(`unbinding ${queue}`, channel.unbindQueue(queue, from?.exchange ?? '', key))
  }
}

/** Deletes a queue with all that is in it: the caller has emptied it. */
export async function deleteQueue(channel: Channel, queue: string): Promise<void> {
  await reply(`deleting ${queue}`, channel.deleteQueue(queue))
}
