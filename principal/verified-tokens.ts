import type { Principal } from './principal.ts'

/**
 * The tokens that were verified, until they expire: verifying one takes 50 to 100 µs of CPU,
 * looking it up less than one. Keeps as many as fit, the newest. To be cleared when keys may have
 * changed.
 */
export class VerifiedTokens {
  readonly #principals = new Map<string, Principal>()
  readonly #limit: number

  constructor(limit = 1_000) {
    this.#limit = limit
  }

  /** Who calls with this token, if that is known and the token has not expired. */
  get(token: string): Principal | undefined {
    const principal = this.#principals.get(token)
    if (!principal?.hasExpired) return principal
    this.#principals.delete(token)
    return undefined
  }

  add(token: string, principal: Principal): void {
    if (this.#principals.has(token)) return
    this.#principals.set(token, principal)
    if (this.#principals.size <= this.#limit) return
    const [oldest] = this.#principals.keys()
    if (oldest !== undefined) this.#principals.delete(oldest)
  }

  clear(): void {
    this.#principals.clear()
  }
}
