import type { Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type { ChannelModel } from 'amqplib'
import { connectOrFail } from '#messaging/broker/connection.ts'

/** A queue that serves answers within milliseconds. */
const answerMs = 3_000

/**
 * Which of the queues are there and do not serve: without a leader a quorum queue says that it is
 * empty, and takes and gives nothing, for ever. The management API shows it like any other.
 *
 * They are tried by consuming for a moment, but only those that say they are empty and without a
 * consumer: a message that comes in this very moment goes back at once.
 */
export async function silentQueues(url: string, queues: readonly string[]): Promise<string[]> {
  const connection = await connectOrFail(url, 'operator')
  try {
    const silent = await Promise.all(queues.map((queue) => isSilent(connection, queue)))
    return queues.filter((_, index) => silent[index])
  } finally {
    cut(connection)
  }
}

/** A queue that is not there is not silent. */
async function isSilent(connection: ChannelModel, queue: string): Promise<boolean> {
  const channel = await connection.createChannel()
  channel.on('error', () => {})
  try {
    const { messageCount, consumerCount } = await channel.checkQueue(queue)
    await channel.close()
    if (messageCount > 0 || consumerCount > 0) return false
    return (await countByServing(connection, queue)) === undefined
  } catch (error) {
    if ((error as { code?: unknown }).code === notFound) return false
    throw error
  }
}

/**
 * How many messages are ready in a queue that has shown that it serves, by giving a consumer one for a
 * moment if it has any; undefined when it does not. Over a connection that may have to be cut
 * afterwards: a channel that waits for a silent queue would hold up the goodbye.
 */
export function countByServing(
  connection: ChannelModel,
  queue: string,
): Promise<number | undefined> {
  let given = 0
  const counting = async () => {
    const channel = await connection.createChannel()
    channel.on('error', () => {})
    await channel.prefetch(1)
    await channel.consume(queue, () => given++)
    // What it gives at once has come before this is answered, and is not in the count.
    const { messageCount } = await channel.checkQueue(queue)
    await channel.close()
    return given + messageCount
  }
  return Promise.race([counting(), delay(answerMs, undefined, { ref: false })])
}

/** AMQP's code for a queue that is not there. */
const notFound = 404

/** Not politely: a channel that waits for a silent queue would hold up the goodbye. */
function cut(connection: ChannelModel): void {
  const { stream } = connection.connection as unknown as { stream: Socket }
  stream.destroy(new Error('hung up'))
}
