import amqp from 'amqplib'
import { now, sleepUntil } from './clock.ts'
import { defaultSettings, insertMessages, type LibraryStart, openLibrary } from './library.ts'
import type { Bench } from './measurement.ts'
import { startPeer } from './processes.ts'

const route = { exchange: 'library.events', routingKey: 'payment.requested' }
const queue = 'library'

/** Single messages from their commit to a consumer, by the library as it polls by default. */
export async function latencyOfLibrary({ servers }: Bench) {
  const { libraryUrl } = await openLibrary(servers, 'library_latency')
  const connection = await amqp.connect(servers.brokerUrl)
  connection.on('error', () => {}) // the broker was stopped first
  const arrivals = await consume(connection)
  const peer = startPeer<LibraryStart, object>('peer-library.ts')
  await peer.ask({ libraryUrl, brokerUrl: servers.brokerUrl, route, ...defaultSettings })
  return {
    /** Milliseconds of each of so many messages, one every so often. */
    measure: async (count: number, everyMs: number): Promise<number[]> => {
      const commits = new Map<string, number>()
      const startedAt = now()
      for (let number = 0; number < count; number++) {
        await sleepUntil(startedAt + number * everyMs)
        const [id = ''] = await insertMessages(libraryUrl, 1)
        commits.set(id, now())
      }
      const deadline = now() + 30_000
      const arrived = () => [...commits.keys()].every((id) => arrivals.has(id))
      while (!arrived() && now() < deadline) await sleepUntil(now() + 50)
      if (!arrived()) throw new Error('a message of the library did not arrive')
      return [...commits].map(([id, at]) => (arrivals.get(id) as number) - at)
    },
    [Symbol.asyncDispose]: async () => {
      await peer[Symbol.asyncDispose]()
      await connection.close()
    },
  }
}

/** Notes when each message came first. */
async function consume(connection: amqp.ChannelModel): Promise<Map<string, number>> {
  const channel = await connection.createChannel()
  await channel.assertExchange(route.exchange, 'topic', { durable: true })
  await channel.assertQueue(queue, { durable: true, arguments: { 'x-queue-type': 'quorum' } })
  await channel.bindQueue(queue, route.exchange, route.routingKey)
  const arrivals = new Map<string, number>()
  const note = (message: amqp.ConsumeMessage | null) => {
    const { id } = JSON.parse(message?.content.toString() ?? '{}')
    if (!arrivals.has(id)) arrivals.set(id, now())
  }
  await channel.consume(queue, note, { noAck: true })
  return arrivals
}
