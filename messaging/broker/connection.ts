import type { Socket } from 'node:net'
import amqp, { type ChannelModel } from 'amqplib'
import { EnvironmentError } from '#chassis/errors.ts'
import { withTimeout } from '#chassis/timeout.ts'
import { certificatesFor, connectFields, shuffledNodes } from './address.ts'

/** How long a connection, or a channel on it, may take to open. */
export const connectTimeoutMs = 5_000

/** One attempt at one node. The RabbitMQ UI shows `name`. */
export const connectTo = async (url: string, name: string): Promise<ChannelModel> =>
  amqp.connect(connectFields(url), {
    ...certificatesFor(url),
    timeout: connectTimeoutMs,
    clientProperties: { connection_name: name },
  })

/**
 * For work that ends: tries each node once, and rejects with `unavailable`. When the connection
 * breaks, calls in progress reject too; but closing a channel then never ends, so it needs a time
 * limit.
 */
export async function connectOrFail(urls: string, name: string): Promise<ChannelModel> {
  let reason: unknown
  for (const url of shuffledNodes(urls)) {
    try {
      return await connectWithin(connectTimeoutMs, url, name)
    } catch (error) {
      reason = error
    }
  }
  throw new EnvironmentError('unavailable', 'The broker cannot be reached', { cause: reason })
}

async function connectWithin(limitMs: number, url: string, name: string): Promise<ChannelModel> {
  const connecting = connectTo(url, name).then((connection) => {
    connection.on('error', () => {})
    return connection
  })
  try {
    return await withTimeout(limitMs, 'connecting', connecting)
  } catch (error) {
    connecting.then(
      (connection) => closeConnection(connection),
      () => {},
    ) // if it succeeds after the time limit
    throw error
  }
}

/**
 * Closes gracefully, and destroys the socket after `closeTimeoutMs`. Never rejects, and need not be
 * awaited.
 *
 * Destroyed, because amqplib waits for the answer of a broker that does not answer: only an error
 * of the socket ends the connection. Call it when every message that was sent is answered: amqplib
 * writes the close frame before the frames that its channels wrote in this turn of the event loop
 * and in the one before.
 */
export function closeConnection(connection: ChannelModel, closeTimeoutMs = 500): Promise<void> {
  const { stream } = connection.connection as unknown as { stream: Socket }
  const timeout = new Error('The broker does not answer')
  const timer = setTimeout(() => stream.destroy(timeout), closeTimeoutMs)
  const closing = connection
    .close()
    .catch(() => {})
    .finally(() => {
      clearTimeout(timer)
      stream.destroy()
    })
  const closed = new Promise<void>((resolve) => stream.once('close', () => resolve()))
  return Promise.race([closing, closed])
}
