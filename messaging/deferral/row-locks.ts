import type { Transaction } from 'kysely'

/**
 * How long a batch waits for a lock before the events that need the row are deferred. Longer than
 * the batches of other consumers hold their locks, and short beside the second in which all other
 * events are to be handled.
 */
export const batchLockTimeoutMs = 300

export interface LockedRows<Tables, Event> {
  /** The row that the handling of an event locks. */
  keyOf: (event: Event) => string
  /**
   * Locks these rows until the transaction ends, without waiting, and returns the keys of those
   * that another transaction has locked. Not of rows that do not exist.
   */
  lockOrSkip: (trx: Transaction<Tables>, keys: string[]) => Promise<string[]>
}

/**
 * The rows that a consumer locks. Remembers, in the memory of this process, which of them another
 * transaction had locked lately: no batch waits for such a row until it was seen free.
 */
export class RowLocks<Tables, Event> {
  readonly #rows: LockedRows<Tables, Event>
  readonly #locked = new Set<string>()

  constructor(rows: LockedRows<Tables, Event>) {
    this.#rows = rows
  }

  keyOf(event: Event): string {
    return this.#rows.keyOf(event)
  }

  /**
   * Whether another transaction had locked the row of this event when this process last tried to
   * lock it.
   */
  wasLockedLately(event: Event): boolean {
    return this.#locked.size > 0 && this.#locked.has(this.keyOf(event))
  }

  /** The keys of all rows that were locked lately. */
  lockedLately(): string[] {
    return [...this.#locked]
  }

  /** Locks the rows that are free; remembers and returns the keys of the others. */
  async lockOrSkip(trx: Transaction<Tables>, keys: string[]): Promise<Set<string>> {
    const locked = new Set(keys.length > 0 ? await this.#rows.lockOrSkip(trx, keys) : [])
    for (const key of keys) {
      if (locked.has(key)) this.#locked.add(key)
      else this.#locked.delete(key)
    }
    return locked
  }
}
