import { createRemoteJWKSet, errors, type JWTVerifyGetKey } from 'jose'
import { backoffMs } from '#chassis/backoff.ts'
import { EnvironmentError } from '#chassis/errors.ts'
import type { Logger } from '#chassis/logger.ts'
import { Outage } from '#chassis/outage.ts'
import { pause } from '#chassis/pause.ts'

export interface RemoteKeysOptions {
  url: URL
  logger: Logger
  /** Aborted: nothing is read any more. */
  signal: AbortSignal
  /** The keys were read, and may be others than before. */
  onRead: () => void
  refreshMs?: number
  /** Between two readings: an unknown key, which anybody can name, waits for the next one. */
  cooldownMs?: number
}

const never = Number.POSITIVE_INFINITY

/**
 * The public keys of an issuer, from the address of its JSON Web Key Set: read at the start, every
 * five minutes, and when a token names a key that is not known. While they cannot be read, the keys
 * that are known go on to count. jose's own refresh would drop them after their time.
 */
export class RemoteKeys {
  readonly #options: Required<RemoteKeysOptions>
  readonly #set: ReturnType<typeof createRemoteJWKSet>
  readonly #outage: Outage
  #isRead = false
  #mayReadAtMs = 0
  #reading: Promise<void> | undefined

  constructor(options: RemoteKeysOptions) {
    this.#options = { refreshMs: 300_000, cooldownMs: 2_000, ...options }
    this.#outage = new Outage({ logger: options.logger, what: 'the keys of tokens cannot be read' })
    const ages = { cacheMaxAge: never, cooldownDuration: never, timeoutDuration: 3_000 }
    this.#set = createRemoteJWKSet(options.url, ages)
    void this.#refresh()
  }

  /**
   * The key of a token, for jose. Throws `unavailable` where the key is not known and the keys
   * cannot be read: nobody knows yet whether the token is a good one.
   */
  readonly find: JWTVerifyGetKey = async (header, token) => {
    if (!this.#isRead) await this.#readSoon()
    try {
      return await this.#set(header, token)
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error
      await this.#readSoon()
      return this.#set(header, token)
    }
  }

  /** For a readiness check: throws while no key was ever read. */
  assertRead(): void {
    if (this.#isRead) return
    this.#outage.assertOver()
    throw new Error('the keys of tokens are being read')
  }

  async #refresh(): Promise<void> {
    const { signal, refreshMs } = this.#options
    for (let failures = 0; !signal.aborted; ) {
      const isRead = await this.#readSoon().then(
        () => true,
        () => false,
      )
      failures = isRead ? 0 : failures + 1
      await pause(isRead ? refreshMs : backoffMs(failures), signal)
    }
  }

  /** One reading for all who wait for one. */
  #readSoon(): Promise<void> {
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined
    })
    return this.#reading
  }

  async #read(): Promise<void> {
    const { cooldownMs, signal, onRead } = this.#options
    await pause(Math.max(0, this.#mayReadAtMs - performance.now()), signal)
    this.#mayReadAtMs = performance.now() + cooldownMs
    try {
      await this.#set.reload()
      this.#isRead = true
      this.#outage.over()
      onRead()
    } catch (cause) {
      this.#outage.failed(cause)
      const message = 'The keys of tokens cannot be read'
      throw new EnvironmentError('unavailable', message, { cause })
    }
  }
}
