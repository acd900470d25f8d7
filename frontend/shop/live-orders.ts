import type { Loss, State } from '#client/client.ts'
import type { Following } from '#client/follow.ts'
import type { Order } from '#contracts/orders-http.ts'
import type { ProblemDocument } from '#contracts/problem.ts'
import { api } from '../lib/api.ts'

export interface LiveOrdersListener {
  onOrder: (order: Order) => void
  onState: (state: State, loss?: Loss) => void
  /** It is followed no more, until somebody says `tryNow`. */
  onRefused: (problem: ProblemDocument) => void
}

/** Follows the orders of a user until the signal is aborted. */
export class LiveOrders {
  readonly #userId: string
  readonly #listener: LiveOrdersListener
  #following: Following | undefined

  constructor(userId: string, listener: LiveOrdersListener, signal: AbortSignal) {
    this.#userId = userId
    this.#listener = listener
    const hurry = () => {
      if (!document.hidden) this.#following?.tryNow()
    }
    addEventListener('online', hurry, { signal })
    document.addEventListener('visibilitychange', hurry, { signal })
    signal.addEventListener('abort', () => this.#following?.close())
    this.#follow()
  }

  tryNow(): void {
    if (this.#following) this.#following.tryNow()
    else this.#follow()
  }

  #follow(): void {
    const { onOrder, onState, onRefused } = this.#listener
    const onProblem = (problem: ProblemDocument) => {
      this.#following?.close()
      this.#following = undefined
      onRefused(problem)
    }
    this.#following = api.follow({ onOrder, onState, onProblem }).user(this.#userId)
  }
}
