import { until } from '#local/waiting.ts'
import {
  type End,
  type Subscription,
  subscriptionFaults,
  tellingTimes,
} from '../faults/judge-subscriptions.ts'

type Target = Subscription['target']

/** The handshake is answered by then, or somebody who should answer it is away. */
const openWithinMs = 5_000

/**
 * Clients that subscribe once and then only listen: what they are not told they never learn, as long
 * as nobody closes their connection.
 */
export class Subscribers {
  readonly #address: string
  readonly #all: Subscriber[] = []

  constructor(gateway: string) {
    this.#address = `${gateway.replace(/^http/, 'ws')}/orders/ws`
  }

  /** A connection for each. Returns those that were let in. */
  async open(targets: Target[]): Promise<Subscription[]> {
    const opened = targets.map((target) => new Subscriber(this.#address, target))
    this.#all.push(...opened)
    await until(() => opened.every(({ isDecided }) => isDecided), { timeoutMs: openWithinMs })
    return opened.filter(({ openedAtMs }) => openedAtMs !== undefined)
  }

  /** Of everybody: promises broken by what they were told of these ends. */
  faults(ends: readonly End[]): string[] {
    return subscriptionFaults(this.#all, ends)
  }

  /** Of everybody: how late each end was told, in ms. */
  tellingTimes(ends: readonly End[]): number[] {
    return tellingTimes(this.#all, ends, Date.now())
  }

  close(): void {
    for (const one of this.#all) one.close()
  }
}

class Subscriber implements Subscription {
  readonly target: Target
  openedAtMs: number | undefined
  isClosed = false
  readonly told = new Map<string, { status: string; atMs: number }>()
  readonly #socket: WebSocket

  constructor(address: string, target: Target) {
    this.target = target
    const query = 'userId' in target ? `user_id=${target.userId}` : `order_id=${target.orderId}`
    this.#socket = new WebSocket(`${address}?${query}`)
    this.#socket.addEventListener('open', () => {
      this.openedAtMs = Date.now()
    })
    this.#socket.addEventListener('close', () => {
      this.isClosed = true
    })
    this.#socket.addEventListener('message', ({ data }) => {
      const { type, order_id, status } = JSON.parse(String(data))
      if (type !== 'order' || status === 'PAYMENT_PENDING' || this.told.has(order_id)) return
      this.told.set(order_id, { status, atMs: Date.now() })
    })
  }

  get isOpen(): boolean {
    return this.openedAtMs !== undefined && !this.isClosed
  }

  get isDecided(): boolean {
    return this.isOpen || this.isClosed
  }

  close(): void {
    this.#socket.close()
  }
}
