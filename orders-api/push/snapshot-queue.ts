import { backoffMs } from '#chassis/backoff.ts'
import type { Outage } from '#chassis/outage.ts'
import { pause } from '#chassis/pause.ts'

/**
 * Reads the next page of a snapshot, and pushes it if the subscription still wants it after the
 * read. Returns true after the last page. When it throws it is called again, and goes on with the
 * same page.
 */
export type SnapshotPages = (isWanted: () => boolean) => Promise<boolean>

interface Snapshot {
  nextPage: SnapshotPages
  resolveFirstTry: () => void
}

/** The snapshots of one subscriber, by the name of their subscription. */
interface Queue {
  snapshots: Map<string, Snapshot>
  failures: number
}

export interface SnapshotQueueOptions<Subscriber> {
  outage: Outage
  signal: AbortSignal
  /** A snapshot could not be read for so long. */
  onFailing: (subscriber: Subscriber, failingMs: number) => void
}

/**
 * The snapshots that subscribers have not received in full. Each subscriber has a queue of its own:
 * one page at a time, the subscriptions in turn. What cannot be read is read again, with backoff,
 * until it is not wanted any more.
 */
export class SnapshotQueue<Subscriber> {
  readonly #options: SnapshotQueueOptions<Subscriber>
  readonly #queues = new Map<Subscriber, Queue>()

  constructor(options: SnapshotQueueOptions<Subscriber>) {
    this.#options = options
  }

  /**
   * Adds a snapshot, in place of an earlier one of the same name. Resolves when its first page was
   * pushed, or as soon as it is clear that the database does not answer.
   */
  add(subscriber: Subscriber, name: string, nextPage: SnapshotPages): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const known = this.#queues.get(subscriber)
    const queue = known ?? { snapshots: new Map(), failures: 0 }
    this.#cancel(queue, name)
    queue.snapshots.set(name, { nextPage, resolveFirstTry: resolve })
    if (queue.failures > 0) resolve()
    if (!known) {
      this.#queues.set(subscriber, queue)
      void this.#run(subscriber, queue)
    }
    return promise
  }

  cancel(subscriber: Subscriber, name: string): void {
    const queue = this.#queues.get(subscriber)
    if (queue) this.#cancel(queue, name)
  }

  cancelAll(subscriber: Subscriber): void {
    const names = this.#queues.get(subscriber)?.snapshots.keys() ?? []
    for (const name of names) this.cancel(subscriber, name)
  }

  #cancel({ snapshots }: Queue, name: string): void {
    const snapshot = snapshots.get(name)
    if (!snapshot) return
    snapshots.delete(name)
    this.#options.outage.over(snapshot)
    snapshot.resolveFirstTry()
  }

  async #run(subscriber: Subscriber, queue: Queue): Promise<void> {
    const { outage, signal, onFailing } = this.#options
    while (!signal.aborted) {
      const [first] = queue.snapshots
      if (!first) break
      const [name, snapshot] = first
      const isWanted = () => queue.snapshots.get(name) === snapshot && !signal.aborted
      try {
        const isLast = await snapshot.nextPage(isWanted)
        queue.failures = 0
        outage.over(snapshot)
        snapshot.resolveFirstTry()
        if (isWanted()) endTurn(queue.snapshots, name, isLast)
      } catch (error) {
        if (isWanted()) onFailing(subscriber, outage.failed(error, snapshot))
        const waitMs = backoffMs(queue.failures++)
        for (const { resolveFirstTry } of queue.snapshots.values()) resolveFirstTry()
        if (isWanted()) endTurn(queue.snapshots, name, false)
        await pause(waitMs, signal)
      }
    }
    this.#queues.delete(subscriber)
  }
}

/** The other subscriptions come first, if there is another turn. */
function endTurn<K, V>(queue: Map<K, V>, key: K, isLast: boolean): void {
  const value = queue.get(key) as V
  queue.delete(key)
  if (!isLast) queue.set(key, value)
}
