import { SignInError } from '../lib/sign-in-error.ts'
import { lifetimeOf } from './lifetime.ts'
import type { Tokens } from './provider.ts'
import { sessionOver } from './words.ts'

/** Gets new tokens for a refresh token. Throws a SignInError. */
export type Renew = (refreshToken: string) => Promise<Tokens>

/** The tokens of who has signed in: in memory only, and of this tab alone. */
export class Session {
  readonly userId: string
  readonly #renew: Renew
  readonly #onOver: () => void
  #tokens: Tokens
  #lifetime: ReturnType<typeof lifetimeOf>
  #renewing: Promise<void> | undefined
  #isOver = false

  /** `onOver`: there are no more tokens, until the user signs in again. Called once. */
  constructor(userId: string, tokens: Tokens, { renew, onOver }: SessionMeans) {
    this.userId = userId
    this.#renew = renew
    this.#onOver = onOver
    this.#tokens = tokens
    this.#lifetime = lifetimeOf(tokens.expires_in, Date.now())
  }

  get idToken(): string {
    return this.#tokens.id_token ?? ''
  }

  /**
   * A token that counts, renewed before its end, or where a server has refused it. All who ask
   * meanwhile wait for one renewal: a refresh token counts once.
   */
  readonly token = async (refused?: string): Promise<string> => {
    if (this.#isOver) throw new SignInError(sessionOver)
    const isRefused = () => this.#tokens.access_token === refused
    if (Date.now() >= this.#lifetime.renewAt || isRefused()) {
      this.#renewing ??= this.#replace().finally(() => {
        this.#renewing = undefined
      })
      await this.#renewing.catch((error) => {
        const mayGoOn = !this.#isOver && Date.now() < this.#lifetime.endsAt && !isRefused()
        if (!mayGoOn) throw error
      })
    }
    return this.#tokens.access_token
  }

  /** No token is given any more. */
  end(): void {
    this.#isOver = true
  }

  async #replace(): Promise<void> {
    const { refresh_token: last, id_token } = this.#tokens
    try {
      if (last === undefined) throw new SignInError(sessionOver)
      const next = await this.#renew(last)
      this.#tokens = { refresh_token: last, ...(id_token && { id_token }), ...next }
      this.#lifetime = lifetimeOf(next.expires_in, Date.now())
    } catch (error) {
      const isTemporary = error instanceof SignInError && error.isTemporary
      if (!isTemporary && !this.#isOver) {
        this.end()
        this.#onOver()
      }
      throw error
    }
  }
}

interface SessionMeans {
  renew: Renew
  onOver: () => void
}
