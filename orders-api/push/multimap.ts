/** Several values for each key. A key without a value takes no memory. */
export class Multimap<Key, Value> {
  readonly #sets = new Map<Key, Set<Value>>()

  /** The number of keys that have a value. */
  get size(): number {
    return this.#sets.size
  }

  has(key: Key): boolean {
    return this.#sets.has(key)
  }

  keys(): Key[] {
    return [...this.#sets.keys()]
  }

  get(key: Key): Iterable<Value> {
    return this.#sets.get(key) ?? []
  }

  add(key: Key, value: Value): void {
    const set = this.#sets.get(key)
    if (set) set.add(value)
    else this.#sets.set(key, new Set([value]))
  }

  delete(key: Key, value: Value): void {
    const set = this.#sets.get(key)
    set?.delete(value)
    if (set?.size === 0) this.#sets.delete(key)
  }
}
