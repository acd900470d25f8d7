import { userIdPattern } from '#contracts/user-id.ts'

/** What the token of a caller may be limited to: one API each; or allowed: the operator's page. */
export type Scope = 'orders' | 'payments' | 'operator'

declare const own: unique symbol
/** The id of a user for whom a principal may act. Only a principal makes one. */
export type OwnUserId = string & { readonly [own]: true }

/** Longest time that a timer takes. */
const maxTimerMs = 2_147_483_647

interface Claims {
  userId: string
  /** Undefined: not limited by a scope. */
  scopes?: ReadonlySet<string> | undefined
  /** Seconds since 1970, as tokens have them. */
  expiresAt: number
}

/**
 * Who calls. Each query for a user's rows takes a principal first, and each row that is written for
 * a user has an `OwnUserId`: a query that forgets who calls does not compile.
 */
export class Principal {
  /** For AUTH_MODE=off, and for what a process does itself, on behalf of nobody. */
  static readonly unrestricted = new Principal(undefined)

  readonly #claims: Claims | undefined

  private constructor(claims: Claims | undefined) {
    this.#claims = claims
  }

  /** Of a verified token; undefined if its user cannot be one of ours. */
  static ofToken(claims: Claims): Principal | undefined {
    return userIdPattern.test(claims.userId) ? new Principal(claims) : undefined
  }

  /** The only user whose rows it may see; undefined: everybody's. */
  get userId(): string | undefined {
    return this.#claims?.userId
  }

  owns(userId: string): boolean {
    return this.#claims === undefined || this.#claims.userId === userId
  }

  /** The id, if the principal may act for this user. */
  own(userId: string): OwnUserId | undefined {
    return this.owns(userId) ? (userId as OwnUserId) : undefined
  }

  /** A token without scopes is not limited, and yet no operator's: that one names its scope. */
  has(scope: Scope): boolean {
    if (this.#claims === undefined) return true
    return this.#claims.scopes?.has(scope) ?? scope !== 'operator'
  }

  get hasExpired(): boolean {
    return this.#claims !== undefined && Date.now() >= this.#claims.expiresAt * 1_000
  }

  /**
   * How long a connection may stay open: until the token expires, or to the end of the leeway if it
   * has. Undefined without an end. At most what a timer takes, 24 days.
   */
  connectionMs(leewayMs: number): number | undefined {
    if (this.#claims === undefined) return undefined
    const leftMs = this.#claims.expiresAt * 1_000 - Date.now()
    return Math.min(maxTimerMs, Math.max(0, leftMs > 0 ? leftMs : leftMs + leewayMs))
  }
}
