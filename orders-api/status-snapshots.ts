import { backoffMs } from '#chassis/backoff.ts'
import type { Outage } from '#chassis/outage.ts'
import { pause } from '#chassis/pause.ts'

/**
 * Reads and sends the next portion of a snapshot, if it is still wanted when it was read. Returns true
 * after the last one. When it throws it is called again, and goes on where it was.
 */
export type Portion = (isWanted: () => boolean) => Promise<boolean>

interface Owed {
  portion: Portion
  onTried: () => void
}

/** What one watcher is owed, by what is followed. */
interface Queue {
  owed: Map<string, Owed>
  failures: number
}

export interface SnapshotsOptions<Watcher> {
  outage: Outage
  signal: AbortSignal
  /** A snapshot could not be read for so long. */
  onFailing: (watcher: Watcher, failingMs: number) => void
}

/**
 * The snapshots that watchers are still owed. Each watcher is served by itself, one portion at a time, each
 * subscription in its turn. What cannot be read is read again, with backoff, until it is not wanted any more.
 */
export class Snapshots<Watcher> {
  readonly #options: SnapshotsOptions<Watcher>
  readonly #queues = new Map<Watcher, Queue>()

  constructor(options: SnapshotsOptions<Watcher>) {
    this.#options = options
  }

  /**
   * Owes a snapshot, in place of an earlier one of the same name. Resolves when its first portion was sent,
   * or as soon as it is clear that the database does not answer.
   */
  owe(watcher: Watcher, name: string, portion: Portion): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const known = this.#queues.get(watcher)
    const queue = known ?? { owed: new Map(), failures: 0 }
    this.#cancel(queue, name)
    queue.owed.set(name, { portion, onTried: resolve })
    if (queue.failures > 0) resolve()
    if (!known) {
      this.#queues.set(watcher, queue)
      void this.#serve(watcher, queue)
    }
    return promise
  }

  cancel(watcher: Watcher, name: string): void {
    const queue = this.#queues.get(watcher)
    if (queue) this.#cancel(queue, name)
  }

  forget(watcher: Watcher): void {
    const queue = this.#queues.get(watcher)
    for (const name of queue?.owed.keys() ?? []) this.cancel(watcher, name)
  }

  #cancel({ owed }: Queue, name: string): void {
    const one = owed.get(name)
    if (!one) return
    owed.delete(name)
    this.#options.outage.over(one)
    one.onTried()
  }

  async #serve(watcher: Watcher, queue: Queue): Promise<void> {
    const { outage, signal, onFailing } = this.#options
    while (!signal.aborted) {
      const [turn] = queue.owed
      if (!turn) break
      const [name, one] = turn
      const isWanted = () => queue.owed.get(name) === one && !signal.aborted
      try {
        const isLast = await one.portion(isWanted)
        queue.failures = 0
        outage.over(one)
        one.onTried()
        if (isWanted()) endTurn(queue.owed, name, isLast)
      } catch (error) {
        if (isWanted()) onFailing(watcher, outage.failed(error, one))
        const waitMs = backoffMs(queue.failures++)
        for (const { onTried } of queue.owed.values()) onTried()
        if (isWanted()) endTurn(queue.owed, name, false)
        await pause(waitMs, signal)
      }
    }
    this.#queues.delete(watcher)
  }
}

/** The others come first, should there be another turn. */
function endTurn<K, V>(queue: Map<K, V>, key: K, isLast: boolean): void {
  const value = queue.get(key) as V
  queue.delete(key)
  if (!isLast) queue.set(key, value)
}
