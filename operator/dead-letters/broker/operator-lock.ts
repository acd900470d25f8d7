import { setTimeout as delay } from 'node:timers/promises'
import type { Channel, ChannelModel } from 'amqplib'
import { EnvironmentError } from '#chassis/errors.ts'

/**
 * The queue that is the lock: exclusive, so that it is deleted with the connection of its owner.
 */
const lockQueue = 'operator.lock'

const retryEveryMs = 250

/**
 * Acquires the lock for the dead letters, and holds it until the connection closes. Rejects with
 * `conflict` when another operator still holds the lock after `waitMs`.
 */
export async function acquireOperatorLock(
  connection: ChannelModel,
  waitMs: number,
): Promise<Channel> {
  const deadline = performance.now() + waitMs
  for (;;) {
    const channel = await connection.createChannel()
    channel.on('error', () => {})
    try {
      await channel.assertQueue(lockQueue, { exclusive: true, durable: false })
      return channel
    } catch (error) {
      if (!hasReplyCode(error, 405)) throw error
      if (performance.now() > deadline) {
        throw new EnvironmentError(
          'conflict',
          'Another operator is working on the dead letters: try again when it has finished',
        )
      }
      await delay(retryEveryMs)
    }
  }
}

/** Whether the broker closed the channel with this AMQP reply code. */
export const hasReplyCode = (error: unknown, code: number): boolean =>
  (error as { code?: unknown }).code === code
