import { isPending, type OrderStatus } from '#contracts/order-states.ts'
import { until } from '#local/supervisor/waiting.ts'
import {
  type Subscription,
  subscriptionFaults,
  tellingTimes,
} from '../judge/judge-subscriptions.ts'
import { distributionOf, type Recovery } from './recovery.ts'
import { endsSince } from './rows.ts'
import type { System } from './system.ts'

type Target = Subscription['target']

/** The handshake is answered by then, or somebody who should answer it is away. */
const openWithinMs = 5_000

/**
 * Clients that subscribe once and then only listen: what they are not told they never learn, as
 * long as nobody closes their connection.
 */
export class Subscribers {
  readonly #address: string
  readonly #orders: System['databases']['orders']
  readonly #all: Subscriber[] = []

  constructor({ directGateway, databases }: Pick<System, 'directGateway' | 'databases'>) {
    this.#address = `${directGateway.replace(/^http/, 'ws')}/orders/ws`
    this.#orders = databases.orders
  }

  /** A connection for each. Returns those that were let in. */
  async open(targets: Target[]): Promise<Subscription[]> {
    const opened = targets.map((target) => new Subscriber(this.#address, target))
    this.#all.push(...opened)
    await until(() => opened.every(({ isAnswered }) => isAnswered), { timeoutMs: openWithinMs })
    return opened.filter(({ openedAtMs }) => openedAtMs !== undefined)
  }

  /** Waits until everybody was told all ends until now; says who was not, or wrongly. */
  async unreceived(timeoutMs: number): Promise<string[]> {
    const ends = await endsSince(this.#orders)
    const faults = () => subscriptionFaults(this.#all, ends)
    await until(() => faults().length === 0, { timeoutMs, everyMs: 100 })
    return faults()
  }

  /** How late everybody was told the ends since then, in ms. */
  async tellingTimes(sinceMs = 0): Promise<number[]> {
    return tellingTimes(this.#all, await endsSince(this.#orders, sinceMs), Date.now())
  }

  /** For the report. */
  async recovery(): Promise<Recovery> {
    return {
      what: 'ends told to who subscribed once, whatever else went on',
      times: distributionOf(await this.tellingTimes()),
      targetMs: undefined,
    }
  }

  close(): void {
    for (const one of this.#all) one.close()
  }
}

class Subscriber implements Subscription {
  readonly target: Target
  openedAtMs: number | undefined
  closedAtMs: number | undefined
  readonly received = new Map<string, { status: OrderStatus; atMs: number }>()
  readonly #socket: WebSocket

  constructor(address: string, target: Target) {
    this.target = target
    const query = 'userId' in target ? `user_id=${target.userId}` : `order_id=${target.orderId}`
    this.#socket = new WebSocket(`${address}?${query}`)
    this.#socket.addEventListener('open', () => {
      this.openedAtMs = Date.now()
    })
    this.#socket.addEventListener('close', () => {
      this.closedAtMs = Date.now()
    })
    this.#socket.addEventListener('message', ({ data }) => {
      const { type, order_id, status } = JSON.parse(String(data))
      if (type !== 'order' || isPending(status) || this.received.get(order_id)?.status === status)
        return
      this.received.set(order_id, { status, atMs: Date.now() })
    })
  }

  get isAnswered(): boolean {
    return this.openedAtMs !== undefined || this.closedAtMs !== undefined
  }

  close(): void {
    this.#socket.close()
  }
}
