import type { Socket } from 'node:net'
import amqp, { type ChannelModel } from 'amqplib'
import { AppError } from '#chassis/errors.ts'
import { withTimeout } from '#chassis/timeout.ts'
import { connectFields } from './address.ts'

/** How long a connection, or a channel on it, may take to open. */
export const connectTimeoutMs = 5_000

/** One attempt. `name` is what the RabbitMQ UI lists the connection by. */
export const connectTo = (url: string, name: string): Promise<ChannelModel> =>
  amqp.connect(connectFields(url), {
    timeout: connectTimeoutMs,
    clientProperties: { connection_name: name },
  })

/**
 * For work that ends: rejects with `unavailable`. When the connection breaks, calls that are under
 * way on it reject too; but closing a channel then never ends, so that needs a limit.
 */
export async function connectOrFail(url: string, name: string): Promise<ChannelModel> {
  const connecting = connectTo(url, name).then((connection) => {
    connection.on('error', () => {})
    return connection
  })
  try {
    return await withTimeout(connectTimeoutMs, 'connecting', connecting)
  } catch (cause) {
    connecting.then(
      (connection) => closeConnection(connection),
      () => {},
    ) // should it succeed after all
    throw new AppError('unavailable', 'The broker cannot be reached', { cause })
  }
}

/**
 * Closes gracefully, and destroys the socket after `closeTimeoutMs`: with a broker that does not
 * answer, amqplib takes only an error of its socket for the end of the connection. Whatever was
 * sent must be answered before: amqplib writes the close frame ahead of what its channels have
 * written in this turn of the event loop, and even in the last. Never rejects, and need not be
 * awaited.
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
