import { Books } from './books.ts'
import { alternate, type Bench, type Figure, type Measurement } from './measurement.ts'
import { hasPgbench, runPgbench } from './pgbench.ts'
import { startPeer, startProcess } from './processes.ts'
import { openQueue, route } from './queue.ts'
import { paymentRequests } from './requests.ts'

/** What a peer is asked to do: so many charges, one transaction each. */
export interface Charging {
  paymentsUrl: string
  /** A multiple of `clients`. */
  count: number
  clients: number
  accounts: number
}

const accounts = 10_000

/**
 * PaymentRequested messages that wait in the queue, handled by one payments-consumer until the last
 * commit; against the same effect without a broker, one transaction each on 32 connections.
 */
export const charge: Measurement = {
  name: 'charge',
  run: async (bench: Bench): Promise<Figure> => {
    const { paymentsUrl, brokerUrl } = bench.servers
    const charging = { paymentsUrl, count: bench.quick ? 4_800 : 20_000, clients: 32, accounts }
    await using queue = await openQueue(brokerUrl)
    await using books = new Books(paymentsUrl)
    const rounds = await race(bench, charging, queue, books)
    await queue.expectEmpty() // nothing was given back when the consumer stopped: all was acked
    return { name: 'charge', unit: 'requests/s', target: 1, ...rounds }
  },
}

type Consumer = Awaited<ReturnType<typeof startProcess>>
type Queue = Awaited<ReturnType<typeof openQueue>>

/** Consumer and peer are started once, for all rounds, and stopped at the end. */
async function race(bench: Bench, charging: Charging, queue: Queue, books: Books) {
  await using peer = choosePeer()
  await using consumer = await startProcess('payments-consumer', bench.servers, bench.profile)
  const ours = () => ourRound(consumer, queue, books, charging)
  const limit = async () => {
    await books.open(accounts)
    await peer.charge(charging)
    await books.audit(charging.count)
    return books.rate()
  }
  return { ...(await alternate(bench, 'charge', { ours, limit })), against: peer.name }
}

/** The consumer is frozen while the queue is filled, so that it is warm and yet begins with all of it. */
async function ourRound(consumer: Consumer, queue: Queue, books: Books, { count }: Charging) {
  await books.open(accounts)
  const messages = requests(count)
  consumer.freeze()
  await queue.fill(messages)
  const from = new Date()
  consumer.thaw()
  await books.untilHandled(count)
  await books.audit(count)
  return books.rate(from)
}

/** pgbench needs less CPU than a loop in Node, which makes it the harder peer where both are there. */
function choosePeer() {
  if (hasPgbench()) {
    const name = 'pgbench, 32 clients, the same effect one transaction each'
    return { name, charge: runPgbench, [Symbol.asyncDispose]: async () => {} }
  }
  const name = 'a bare pg loop, 32 connections, the same effect one transaction each'
  const peer = startPeer<Charging, object>('bare-charge.ts')
  return { name, charge: peer.ask, [Symbol.asyncDispose]: peer[Symbol.asyncDispose] }
}

const requests = (count: number) =>
  paymentRequests(count, accounts).map((event) => ({
    id: event.id,
    type: event.type,
    ...route,
    contentType: 'application/cloudevents+json',
    content: Buffer.from(JSON.stringify(event)),
  }))
