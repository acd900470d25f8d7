/** How many connections there may be at a time; 0: any number. */
export interface ConnectionLimits {
  perUser: number
  perAddress: number
}

export type TooMany = 'user-connections' | 'address-connections'

/** The open connections of each user and of each address. Decides only. */
export class ConnectionCounts {
  readonly #limits: ConnectionLimits
  readonly #counts = new Map<string, number>()

  constructor(limits: ConnectionLimits) {
    this.#limits = limits
  }

  /**
   * Counts a connection, unless there are as many as there may be: then says of whom. Without a
   * token there is no user.
   */
  add(userId: string | undefined, address: string): TooMany | undefined {
    const { perUser, perAddress } = this.#limits
    if (userId !== undefined && this.#isFull(userKey(userId), perUser)) return 'user-connections'
    if (this.#isFull(addressKey(address), perAddress)) return 'address-connections'
    for (const key of keysOf(userId, address)) this.#counts.set(key, this.#count(key) + 1)
    return undefined
  }

  /** To be called once for each connection that was counted. */
  remove(userId: string | undefined, address: string): void {
    for (const key of keysOf(userId, address)) {
      const left = this.#count(key) - 1
      if (left > 0) this.#counts.set(key, left)
      else this.#counts.delete(key)
    }
  }

  #isFull(key: string, limit: number): boolean {
    return limit > 0 && this.#count(key) >= limit
  }

  #count(key: string): number {
    return this.#counts.get(key) ?? 0
  }
}

const userKey = (userId: string) => `user ${userId}`
const addressKey = (address: string) => `address ${address}`

const keysOf = (userId: string | undefined, address: string): string[] =>
  userId === undefined ? [addressKey(address)] : [userKey(userId), addressKey(address)]
