const maxRemembered = 10_000

/**
 * Who was refused lately. There is no token for them before the next one is due, so the database is
 * not asked: however fast somebody calls, it is asked twice as often as it allows. The caller has
 * the clock.
 */
export class RefusedUsers {
  readonly #untilMs = new Map<string, number>()

  add(userId: string, untilMs: number): void {
    if (this.#untilMs.size >= maxRemembered) this.#untilMs.clear()
    this.#untilMs.set(userId, untilMs)
  }

  has(userId: string, nowMs: number): boolean {
    const untilMs = this.#untilMs.get(userId)
    if (untilMs === undefined || nowMs < untilMs) return untilMs !== undefined
    this.#untilMs.delete(userId)
    return false
  }
}
