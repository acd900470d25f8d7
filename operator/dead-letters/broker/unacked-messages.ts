import type { Channel, GetMessage } from 'amqplib'
import { within } from '#chassis/deadline.ts'
import { EnvironmentError } from '#chassis/errors.ts'

/** A message that we look at: the broker keeps it until it is dropped, and has it back otherwise. */
export type Letter = Pick<GetMessage, 'content' | 'properties'>

/**
 * Letters may have a megabyte each, or ten: so many are in memory at a time. Not more than 32, which is
 * what a quorum queue takes of a channel at a time (`quorum_commands_soft_limit`): further
 * acknowledgements would wait in the channel, and be forgotten with it. To consume the next ones is done
 * by the queue after those.
 */
export const lettersAtOnce = 32

/** How long a few letters that were put back may take to be seen in their queue. */
const putBackMs = 1_000

/** When no letter comes for so long, the others have been taken by somebody else. */
const quietMs = 5_000

/** Any other answer of the broker: a queue without a leader, and a broker with an alarm, give none. */
const answerMs = 10_000

/** All that the broker needs to know of a message in our hands: a thousand of them stay small. */
export type HeldLetter = Pick<GetMessage, 'fields'>

/**
 * The next letters of a queue in their order; fewer when there are no more. Rejects when the channel
 * ends, or the broker does not answer. By a consumer of just so many: each `basic.get` from a quorum
 * queue costs a write to the disk.
 */
export async function take(channel: Channel, queue: string, count: number): Promise<GetMessage[]> {
  const letters: GetMessage[] = []
  const { promise: full, resolve, reject } = Promise.withResolvers<void>()
  full.catch(() => {}) // when consuming fails, nobody waits for it any more
  const refuse = () => reject(new EnvironmentError('unavailable', 'The broker went away'))
  channel.once('close', refuse)
  let quiet: NodeJS.Timeout | undefined
  try {
    await within(answerMs, 'a prefetch', channel.prefetch(count))
    const consuming = channel.consume(queue, (message) => {
      if (message) letters.push(message as unknown as GetMessage)
      if (!message || letters.length === count) resolve()
      quiet?.refresh() // large ones may take long, one after the other
    })
    const { consumerTag } = await within(answerMs, `consuming ${queue}`, consuming)
    quiet = setTimeout(resolve, quietMs)
    await full
    await within(answerMs, 'the end of consuming', channel.cancel(consumerTag))
    return letters
  } finally {
    clearTimeout(quiet)
    channel.off('close', refuse)
  }
}

/**
 * What was put back at an earlier time and comes after the `last` one taken. Of a queue with a delivery
 * limit RabbitMQ delivers first all that was ever put back, in the order in which it came back: what
 * goes back now would be behind those (findings/quorum-queue-requeue-order.sh).
 * A letter that was never in somebody's hands is the first of those that keep their place by themselves.
 */
export async function takeReturned(
  channel: Channel,
  queue: string,
  { last, left }: { last: GetMessage | undefined; left: number },
): Promise<HeldLetter[]> {
  const returned: HeldLetter[] = []
  while (last?.fields.redelivered && returned.length < left) {
    const letters = await take(channel, queue, Math.min(left - returned.length, lettersAtOnce))
    returned.push(...letters.map(({ fields }) => ({ fields })))
    last = letters.at(-1)
  }
  return returned
}

/**
 * In their order, a few at a time and each by itself: RabbitMQ 3.10 forgets the order of those that
 * are on their way to the queue together. Rejects when the broker does not answer.
 */
export async function putBack(
  channel: Channel,
  queue: string,
  letters: HeldLetter[],
): Promise<void> {
  const count = async () =>
    (await within(answerMs, `counting ${queue}`, channel.checkQueue(queue))).messageCount
  let ready = await count()
  for (let at = 0; at < letters.length; at += lettersAtOnce) {
    const some = letters.slice(at, at + lettersAtOnce)
    for (const letter of some) channel.nack(letter as GetMessage)
    ready += some.length
    const deadline = performance.now() + putBackMs
    while ((await count()) < ready) {
      if (performance.now() > deadline) break // somebody takes them: there is no order to keep
    }
  }
}
