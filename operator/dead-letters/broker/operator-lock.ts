import { setTimeout as delay } from 'node:timers/promises'
import type { Channel, ChannelModel } from 'amqplib'
import { EnvironmentError } from '#chassis/errors.ts'

/** A queue that is a lock: exclusive, so that it goes with the connection of its owner. */
const lockQueue = 'operator.lock'

/**
 * The lock of whoever works at the dead letters; held until the connection ends. Waits so long for
 * another owner, then rejects with `conflict`.
 */
export async function takeLock(connection: ChannelModel, waitMs: number): Promise<Channel> {
  const deadline = performance.now() + waitMs
  for (;;) {
    const channel = await connection.createChannel()
    channel.on('error', () => {})
    try {
      await channel.assertQueue(lockQueue, { exclusive: true, durable: false })
      return channel
    } catch (error) {
      if (!isReply(error, 405)) throw error
      if (performance.now() > deadline) {
        throw new EnvironmentError(
          'conflict',
          'Another operator is at the dead letters: wait for its end',
        )
      }
      await delay(250)
    }
  }
}

/** Whether the broker has refused something, and closed the channel, with this code. */
export const isReply = (error: unknown, code: number): boolean =>
  (error as { code?: unknown }).code === code
