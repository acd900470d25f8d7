import { pause } from './waiting.ts'

/** How long a replica waits for those that are starting before it, at most. */
const longestWaitMs = 1_000

/**
 * Lets replicas that died together start again one after the other. Side by side they would take each
 * other's processor, and who waits for an answer waits for the first of them.
 */
export class RestartTurns {
  readonly #last = new Map<string, Promise<void>>()

  /**
   * Resolves when the replica before it has ended its turn, after a second at most, or with the
   * signal. What it returns ends the turn: to be called when this one is ready, or will not be.
   */
  async take(name: string, signal?: AbortSignal): Promise<() => void> {
    const kind = kindOf(name)
    const { promise, resolve } = Promise.withResolvers<void>()
    const before = this.#last.get(kind) ?? Promise.resolve()
    this.#last.set(kind, promise)
    await Promise.race([before, pause(longestWaitMs, signal)])
    return resolve
  }
}

/** Replicas have a number behind the name of their process: `payments-consumer.2`. */
const kindOf = (name: string): string => name.replace(/\.\d+$/, '')
