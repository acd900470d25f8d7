import type { Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type { ChannelModel } from 'amqplib'
import { connectOrFail } from '#messaging/broker/connection.ts'

/** A queue with a leader answers within milliseconds. */
const probeTimeoutMs = 3_000

/**
 * Finds the queues that exist and have no leader. Such a quorum queue reports that it is empty, and
 * neither accepts nor delivers, for ever. The management API shows nothing unusual.
 *
 * A queue that reports no messages and no consumer is probed by a consumer. A message that arrives
 * at this very moment is requeued at once.
 */
export async function leaderlessQueues(url: string, queues: readonly string[]): Promise<string[]> {
  const connection = await connectOrFail(url, 'operator')
  try {
    const leaderless = await Promise.all(queues.map((queue) => isLeaderless(connection, queue)))
    return queues.filter((_, index) => leaderless[index])
  } finally {
    destroyConnection(connection)
  }
}

/** Whether a queue exists and has no leader. */
async function isLeaderless(connection: ChannelModel, queue: string): Promise<boolean> {
  const channel = await connection.createChannel()
  channel.on('error', () => {})
  try {
    const { messageCount, consumerCount } = await channel.checkQueue(queue)
    await channel.close()
    if (messageCount > 0 || consumerCount > 0) return false
    return (await probeDepth(connection, queue)) === undefined
  } catch (error) {
    if ((error as { code?: unknown }).code === notFound) return false
    throw error
  }
}

/**
 * The number of ready messages of a queue, after it has served a consumer; undefined when the queue
 * does not answer. The channel may stay open then, and would block a graceful close of its
 * connection: destroy the connection, or close it with a timeout.
 */
export function probeDepth(connection: ChannelModel, queue: string): Promise<number | undefined> {
  let delivered = 0
  const probe = async () => {
    const channel = await connection.createChannel()
    channel.on('error', () => {})
    await channel.prefetch(1)
    await channel.consume(queue, () => delivered++)
    // A delivery arrives before this reply, and is not in its count.
    const { messageCount } = await channel.checkQueue(queue)
    await channel.close()
    return delivered + messageCount
  }
  return Promise.race([probe(), delay(probeTimeoutMs, undefined, { ref: false })])
}

/** The AMQP reply code for a queue that does not exist. */
const notFound = 404

/**
 * Destroys the socket: a channel that waits for a leaderless queue would block a graceful close.
 */
function destroyConnection(connection: ChannelModel): void {
  const { stream } = connection.connection as unknown as { stream: Socket }
  stream.destroy(new Error('The connection was destroyed'))
}
