import { pause } from '#chassis/pause.ts'

/** Messages in our hands that no batch has taken yet. */
export class Pending<T> {
  #items: T[] = []
  /** Whether the last batch had company. */
  #isCrowded = false
  /** One for all who wait: whoever comes first must not make the others wait for ever. */
  #arrival: PromiseWithResolvers<void> | undefined

  push(item: T): void {
    this.#items.push(item)
    this.#arrival?.resolve()
    this.#arrival = undefined
  }

  /**
   * The next batch: all there is, `max` at most. Waits for the first, and then `lingerMs` for
   * company unless the batch is full; a single one that comes after a single one does not wait.
   * Empty when told to stop, or when another took them all.
   */
  async take(max: number, lingerMs: number, signal: AbortSignal): Promise<T[]> {
    await this.untilAny(signal)
    const hasCompany = this.#isCrowded || this.#items.length > 1
    if (hasCompany && this.#items.length < max) await pause(lingerMs, signal)
    if (signal.aborted) return []
    const batch = this.#items.splice(0, max)
    if (batch.length > 0) this.#isCrowded = batch.length > 1
    return batch
  }

  /** Waits until there is something, or until told to stop. */
  async untilAny(signal: AbortSignal): Promise<void> {
    if (this.#items.length > 0) return
    this.#arrival ??= Promise.withResolvers()
    await untilAborted(this.#arrival.promise, signal)
  }

  /** Forgets what is not worth a batch any more. */
  discard(isGone: (item: T) => boolean): void {
    this.#items = this.#items.filter((item) => !isGone(item))
  }

  takeAll(): T[] {
    return this.#items.splice(0)
  }
}

function untilAborted(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  const { promise: aborted, resolve } = Promise.withResolvers<void>()
  const onAbort = () => resolve()
  signal.addEventListener('abort', onAbort, { once: true })
  return Promise.race([promise, aborted]).finally(() =>
    signal.removeEventListener('abort', onAbort),
  )
}
