import { EnvironmentError } from '#chassis/errors.ts'
import { pause } from '#chassis/pause.ts'
import { isOnWayTo, type OrderStatus } from '#contracts/order-states.ts'
import { reconcile } from '#operator/reconcile/reconcile.ts'
import type { Databases } from '../judge/read-final-state.ts'
import { settledLately } from './rows.ts'

const everyMs = 1_000

/**
 * What must hold at every moment, asked of `operator reconcile` every second while faults go on.
 */
export class LiveChecks {
  readonly faults = new Set<string>()
  /** Looks that were complete, and those during which a database was away. */
  looks = 0
  misses = 0
  /** When an order was last seen to have ended that had not before. */
  progressAtMs = performance.now()
  readonly #databases: Databases
  readonly #finals = new Map<string, OrderStatus>()

  constructor(databases: Databases) {
    this.#databases = databases
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await pause(everyMs, signal)
      try {
        await this.#look()
        this.looks++
      } catch (error) {
        if (error instanceof EnvironmentError) this.misses++
        else this.faults.add(`cannot look: ${error}`)
      }
    }
  }

  async #look(): Promise<void> {
    const databases = this.#databases
    const findings = await reconcile({ databases, olderThanMs: Number.POSITIVE_INFINITY })
    for (const { message } of findings) this.faults.add(message)
    const settled = await settledLately(databases.orders, 5)
    for (const { order_id, status } of settled) this.#remember(order_id, status)
  }

  /** A status at rest changes by a refund only. */
  #remember(orderId: string, status: OrderStatus): void {
    if (!this.#finals.has(orderId)) this.progressAtMs = performance.now()
    const before = this.#finals.get(orderId) ?? status
    if (!isOnWayTo(before, status)) {
      this.faults.add(`${orderId} was ${before} and became ${status}`)
    }
    this.#finals.set(orderId, status)
  }
}
