import { pause } from '#chassis/pause.ts'

/** Delivered messages, in memory, that no batch has taken yet. */
export class DeliveryBuffer<T> {
  #items: T[] = []
  /** Whether the last batch had more than one message. */
  #isBatching = false
  /** One promise for all who wait: the first must not make the others wait for ever. */
  #arrival: PromiseWithResolvers<void> | undefined

  push(item: T): void {
    this.#items.push(item)
    this.#arrival?.resolve()
    this.#arrival = undefined
  }

  /**
   * The next batch: all messages, `max` at most. Waits for the first message, then lingers for
   * `lingerMs` unless the batch is full. No linger for a single message after a batch of one. Empty
   * when told to stop, or when another taker was faster.
   */
  async take(max: number, lingerMs: number, signal: AbortSignal): Promise<T[]> {
    await this.untilAny(signal)
    const isBatching = this.#isBatching || this.#items.length > 1
    if (isBatching && this.#items.length < max) await pause(lingerMs, signal)
    if (signal.aborted) return []
    const batch = this.#items.splice(0, max)
    if (batch.length > 0) this.#isBatching = batch.length > 1
    return batch
  }

  /** Waits until there is a message, or until told to stop. */
  async untilAny(signal: AbortSignal): Promise<void> {
    if (this.#items.length > 0) return
    this.#arrival ??= Promise.withResolvers()
    await resolvedOrAborted(this.#arrival.promise, signal)
  }

  discard(isObsolete: (item: T) => boolean): void {
    this.#items = this.#items.filter((item) => !isObsolete(item))
  }

  takeAll(): T[] {
    return this.#items.splice(0)
  }
}

/** The listener goes with the wait: a signal outlives many waits. */
function resolvedOrAborted(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  const { promise: aborted, resolve } = Promise.withResolvers<void>()
  const onAbort = () => resolve()
  signal.addEventListener('abort', onAbort, { once: true })
  return Promise.race([promise, aborted]).finally(() =>
    signal.removeEventListener('abort', onAbort),
  )
}
