import { RepeatedRead, type RepeatedReadOptions } from './repeated-read.ts'

export interface ChangedOrdersOptions extends RepeatedReadOptions {
  /** Reads orders and pushes them. */
  readAndPush: (orderIds: string[]) => Promise<void>
}

/**
 * Coalesced reads of the orders that may have changed: one query at a time, and one for all ids
 * that arrive meanwhile.
 */
export class ChangedOrders {
  readonly #ids = new Set<string>()
  readonly #readAndPush: ChangedOrdersOptions['readAndPush']
  readonly #read: RepeatedRead
  #isReading = false
  #reading = Promise.resolve()

  constructor(options: ChangedOrdersOptions) {
    this.#readAndPush = options.readAndPush
    this.#read = new RepeatedRead(() => this.#readAll(), options)
  }

  get isFailing(): boolean {
    return this.#read.isFailing
  }

  add(orderIds: Iterable<string>): void {
    for (const id of orderIds) this.#ids.add(id)
    if (this.#isReading || this.#ids.size === 0) return
    this.#isReading = true
    this.#reading = this.#read.run().finally(() => {
      this.#isReading = false
    })
  }

  /** Resolves when the read in progress has ended. */
  async settled(): Promise<void> {
    await this.#reading
  }

  async #readAll(): Promise<void> {
    while (this.#ids.size > 0) {
      const ids = [...this.#ids]
      this.#ids.clear()
      try {
        await this.#readAndPush(ids)
      } catch (error) {
        for (const id of ids) this.#ids.add(id)
        throw error
      }
    }
  }
}
