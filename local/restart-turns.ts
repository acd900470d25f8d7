import { pause } from './waiting.ts'

/** So long, at most, one replica waits for another that is starting again. */
const patienceMs = 1_000

/**
 * Lets replicas that died together start again one after the other. Side by side they would take each
 * other's processor, and who waits for an answer waits for the first of them.
 */
export class RestartTurns {
  readonly #starting = new Map<string, Promise<unknown>>()

  /** Resolves when no other replica is on its way to be ready, after a second, or with the signal. */
  async wait(name: string, signal?: AbortSignal): Promise<void> {
    const other = this.#starting.get(kindOf(name)) ?? Promise.resolve()
    await Promise.race([other, pause(patienceMs, signal)])
  }

  /** From now until `settled`, which never rejects, another replica would have to wait. */
  begin(name: string, settled: Promise<unknown>): void {
    this.#starting.set(kindOf(name), settled)
  }
}

/** Replicas have a number behind the name of their process: `payments-consumer.2`. */
const kindOf = (name: string): string => name.replace(/\.\d+$/, '')
