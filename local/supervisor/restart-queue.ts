import { pause } from './waiting.ts'

/** The maximum wait of a replica for those that restart before it. */
const maxWaitMs = 1_000

/**
 * Restarts replicas of one process one after the other, when they died together. Side by side they
 * would share the processor, and the first one would be ready later.
 */
export class RestartQueue {
  readonly #last = new Map<string, Promise<void>>()

  /**
   * Resolves when the replica before this one has left the queue, after a second at most, or when
   * the signal is aborted. The caller calls the returned function to leave the queue: when the
   * replica is ready, or has failed to start.
   */
  async enter(name: string, signal?: AbortSignal): Promise<() => void> {
    const process = processOf(name)
    const { promise, resolve } = Promise.withResolvers<void>()
    const before = this.#last.get(process) ?? Promise.resolve()
    this.#last.set(process, promise)
    await Promise.race([before, pause(maxWaitMs, signal)])
    return resolve
  }
}

/** The name of the process of a replica, such as `payments-consumer.2`. */
const processOf = (replica: string): string => replica.replace(/\.\d+$/, '')
