import type { Socket } from 'node:net'
import amqp, { type ChannelModel } from 'amqplib'
import { within } from '../deadline.ts'
import { AppError } from '../errors.ts'

/**
 * Between two heartbeats, since a half-open connection reports nothing by itself: it is given up
 * when two are missing, which takes up to three intervals to see.
 */
export const heartbeatSeconds = 4

/** How long a connection, or a channel on it, may take to open. */
export const connectTimeoutMs = 5_000

/** One attempt. `name` is what the RabbitMQ UI lists the connection by. */
export const connectTo = (url: string, name: string): Promise<ChannelModel> =>
  amqp.connect(withHeartbeat(url), {
    timeout: connectTimeoutMs,
    clientProperties: { connection_name: name },
  })

/**
 * For work that ends: rejects with `unavailable`. When the connection breaks, whatever is under way
 * on it rejects too.
 */
export async function connectOrFail(url: string, name: string): Promise<ChannelModel> {
  const connecting = connectTo(url, name).then((connection) => {
    connection.on('error', () => {})
    return connection
  })
  try {
    return await within(connectTimeoutMs, 'connecting', connecting)
  } catch (cause) {
    connecting.then(hangUp, () => {}) // should it succeed after all
    throw new AppError('unavailable', 'The broker cannot be reached', { cause })
  }
}

/**
 * Politely, but not waiting for a broker that does not answer: amqplib takes only an error of its
 * socket for the end of the connection. What was written before is sent.
 */
export function hangUp(connection: ChannelModel): void {
  const { stream } = connection.connection as unknown as { stream: Socket }
  const cut = setTimeout(() => stream.destroy(new Error('The broker does not answer')), 500)
  connection
    .close()
    .catch(() => {})
    .finally(() => {
      clearTimeout(cut)
      stream.destroy()
    })
}

function withHeartbeat(url: string): string {
  const parsed = new URL(url)
  if (!parsed.searchParams.has('heartbeat')) {
    parsed.searchParams.set('heartbeat', String(heartbeatSeconds))
  }
  return parsed.href
}
