import { bestSettings, type LibraryStart, openLibrary } from './library.ts'
import { alternate, type Bench, type Figure, type Measurement, median } from './measurement.ts'
import { Outbox } from './outbox.ts'
import { startPeer, startProcess } from './processes.ts'
import { openQueue, route } from './queue.ts'

/** What the bare window is asked to publish: as many messages, each as large. */
export interface Publishing {
  brokerUrl: string
  count: number
  bytes: number
}

/** What the bare statements are asked to do: to mark everything, as the relay would. */
export interface Claiming {
  ordersUrl: string
  batchSize: number
  concurrency: number
}

type Queue = Awaited<ReturnType<typeof openQueue>>

/**
 * Outbox rows drained into a quorum queue by one orders-relay, confirmed and marked, from the
 * commit of the rows to the last mark; against publishing alone, the statements alone, and a
 * library.
 */
export const relay: Measurement = {
  name: 'relay',
  run: async (bench: Bench): Promise<Figure[]> => {
    const { servers } = bench
    await using queue = await openQueue(servers.brokerUrl)
    await using outbox = await Outbox.connect(servers.ordersUrl)
    await outbox.empty()
    await using _relay = await startProcess('orders-relay', bench)
    await using window = await bareWindow(bench, queue, outbox)
    await using claims = await bareClaims(bench)
    await using library = await libraryRelay(bench, queue)

    const count = relayCount(bench)
    const values = await alternate(bench, 'relay', {
      ours: async () => {
        await outbox.empty()
        return drainRate(outbox, queue, count)
      },
      window: () => window.rate(count),
      statements: () => claims.rate(count),
      library: library.rate,
    })
    return figuresOf(values)
  },
}

export const relayCount = ({ quick }: Bench): number => (quick ? 5_000 : 50_000)

function figuresOf(
  values: Record<'ours' | 'window' | 'statements' | 'library', number[]>,
): Figure[] {
  const { ours, window, statements, library } = values
  const isWindowSlower = median(window) <= median(statements)
  const common = { unit: 'events/s', values: ours }
  return [
    {
      ...common,
      name: 'relay',
      against: isWindowSlower
        ? 'the slower limit: a bare amqplib confirm channel, window 1,000, into the same queue'
        : 'the slower limit: the claim-and-mark SQL alone',
      limits: isWindowSlower ? window : statements,
      target: { ratioAtLeast: 0.7 },
      note: `the bare window ${Math.round(median(window))}, the SQL alone ${Math.round(median(statements))} events/s`,
    },
    {
      ...common,
      name: 'relay, against a library',
      against:
        'pg-transactional-outbox, polling, its fastest documented settings, rascal publisher',
      limits: library,
      target: { ratioAtLeast: 12 },
    },
  ]
}

/** Fills the outbox, waits until it is empty and the queue full, and looks whether all is there. */
export async function drainRate(outbox: Outbox, queue: Queue, count: number): Promise<number> {
  const ids = await outbox.fill(count)
  await outbox.untilDrained()
  const moved = await queue.takeAll(count)
  if (ids.some((id) => !moved.has(id))) throw new Error('the queue held other events')
  return count / (await outbox.secondsToDrain(count))
}

async function bareWindow({ servers: { brokerUrl } }: Bench, queue: Queue, outbox: Outbox) {
  const peer = startPeer<Publishing, { ms: number }>('bare-confirm-window.ts')
  const rate = async (count: number) => {
    const { ms } = await peer.ask({ brokerUrl, count, bytes: await outbox.messageBytes() })
    await queue.takeAll(count)
    return count / (ms / 1_000)
  }
  return { rate, [Symbol.asyncDispose]: peer[Symbol.asyncDispose] }
}

/** In a database of their own, where no relay is. */
async function bareClaims({ servers }: Bench) {
  const ordersUrl = await servers.database('claims', 'orders')
  const outbox = await Outbox.connect(ordersUrl)
  const peer = startPeer<Claiming, object>('bare-claims.ts')
  const rate = async (count: number) => {
    await outbox.empty()
    await outbox.fill(count)
    await peer.ask({ ordersUrl, batchSize: 500, concurrency: 2 })
    return count / (await outbox.secondsToDrain(count))
  }
  const dispose = () => Promise.all([peer[Symbol.asyncDispose](), outbox[Symbol.asyncDispose]()])
  return { rate, [Symbol.asyncDispose]: async () => void (await dispose()) }
}

/** Fewer messages: it slows down with its backlog, so that this is to its advantage. */
async function libraryRelay({ servers, quick }: Bench, queue: Queue) {
  const count = quick ? 500 : 10_000
  const { libraryUrl, drainRate } = await openLibrary(servers, 'library')
  const peer = startPeer<LibraryStart, object>('peer-library.ts')
  await peer.ask({ libraryUrl, brokerUrl: servers.brokerUrl, route, ...bestSettings })
  const rate = async () => {
    const drained = await drainRate(count)
    await queue.takeAll(count)
    return drained
  }
  return { rate, [Symbol.asyncDispose]: peer[Symbol.asyncDispose] }
}
