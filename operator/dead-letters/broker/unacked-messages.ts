import type { Channel, GetMessage } from 'amqplib'
import { EnvironmentError } from '#chassis/errors.ts'
import { withTimeout } from '#chassis/timeout.ts'

/** A message that is looked at. The broker keeps the message until it is acknowledged. */
export type Message = Pick<GetMessage, 'content' | 'properties'>

/** The same, with the exchange and routing key of its publisher. */
export type DeliveredMessage = Message & Pick<GetMessage, 'fields'>

/** All that the broker needs to requeue a message: a thousand of them need little memory. */
export type UnackedMessage = Pick<GetMessage, 'fields'>

/**
 * How many messages are taken at a time. A message may have some megabytes, so the number limits
 * the memory. It must not exceed 32, the number of commands that a quorum queue accepts from a
 * channel at a time (`quorum_commands_soft_limit`): further acknowledgements would wait in the
 * channel, and be lost when the channel closes (findings/quorum-queue-forgets-acks.sh). The queue
 * handles the acknowledgements before it serves the next consumer.
 */
export const prefetchSize = 32

/** How long a few requeued messages may take to be counted as ready. */
const requeueTimeoutMs = 1_000

/** After so long without a message, the missing ones have been taken by another consumer. */
const quietMs = 5_000

/**
 * Limit for each reply of the broker. A leaderless queue and a broker with an alarm never reply.
 */
const replyTimeoutMs = 10_000

/**
 * Consumes up to `count` messages in their order; fewer when there are no more. Rejects when the
 * channel closes, or the broker does not reply. A consumer with a prefetch takes them, since each
 * `basic.get` from a quorum queue costs a write to the disk.
 */
export async function consumeUpTo(
  channel: Channel,
  queue: string,
  count: number,
): Promise<GetMessage[]> {
  const messages: GetMessage[] = []
  const { promise: complete, resolve, reject } = Promise.withResolvers<void>()
  complete.catch(() => {}) // nobody awaits this promise when consuming fails
  const onClose = () =>
    reject(new EnvironmentError('unavailable', 'The connection to the broker was lost'))
  channel.once('close', onClose)
  let quiet: NodeJS.Timeout | undefined
  try {
    await withTimeout(replyTimeoutMs, 'setting the prefetch', channel.prefetch(count))
    const consuming = channel.consume(queue, (message) => {
      if (message) messages.push(message as unknown as GetMessage)
      if (!message || messages.length === count) resolve()
      quiet?.refresh() // each of several large messages may take long
    })
    const { consumerTag } = await withTimeout(replyTimeoutMs, `consuming ${queue}`, consuming)
    quiet = setTimeout(resolve, quietMs)
    await complete
    await withTimeout(replyTimeoutMs, `cancelling the consumer`, channel.cancel(consumerTag))
    return messages
  } finally {
    clearTimeout(quiet)
    channel.off('close', onClose)
  }
}

/**
 * Consumes the messages behind the `last` consumed one that were requeued earlier. A queue with a
 * delivery limit delivers all requeued messages first, in the order of their requeueing. Messages
 * that are requeued now would come behind the earlier ones
 * (findings/quorum-queue-requeue-order.sh). The first message that was never delivered before ends
 * the search: from there on, messages keep their place without help.
 */
export async function consumeRequeued(
  channel: Channel,
  queue: string,
  { last, left }: { last: GetMessage | undefined; left: number },
): Promise<UnackedMessage[]> {
  const requeued: UnackedMessage[] = []
  while (last?.fields.redelivered && requeued.length < left) {
    const count = Math.min(left - requeued.length, prefetchSize)
    const messages = await consumeUpTo(channel, queue, count)
    requeued.push(...messages.map(({ fields }) => ({ fields })))
    last = messages.at(-1)
  }
  return requeued
}

/**
 * Requeues messages in their order: a few at a time, each with its own command, since RabbitMQ 3.10
 * loses the order of messages that are requeued together. Rejects when the broker does not reply.
 */
export async function requeue(
  channel: Channel,
  queue: string,
  messages: UnackedMessage[],
): Promise<void> {
  const countReady = async () => {
    const counting = channel.checkQueue(queue)
    return (await withTimeout(replyTimeoutMs, `counting ${queue}`, counting)).messageCount
  }
  let ready = await countReady()
  for (let at = 0; at < messages.length; at += prefetchSize) {
    const some = messages.slice(at, at + prefetchSize)
    for (const message of some) channel.nack(message as GetMessage)
    ready += some.length
    const deadline = performance.now() + requeueTimeoutMs
    while ((await countReady()) < ready) {
      if (performance.now() > deadline) break // another consumer takes them: no order to keep
    }
  }
}
