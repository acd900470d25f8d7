import { pause } from '#chassis/pause.ts'
import { OrderSubscriber } from '#testing/client.ts'
import { eventually } from '#testing/eventually.ts'
import { Clients } from '../judge/clients.ts'
import type { History } from '../judge/history.ts'
import { randomOf } from './random.ts'

export interface LoadOptions {
  gateway: string
  seed: number
  ordersPerSecond: number
  users: number
}

/** More orders than that wait for their answer at a time: the clients hold back, as people do. */
const inFlightMax = 500

/** One order in so many is refunded when its client was told that it is paid. */
const refundEvery = 8n

/** What one top-up brings, and at most one order costs; so about half of the orders can be paid. */
const topUpMinor = 30_000n
const orderMaxMinor = 2_000

/**
 * Users who order at a steady rate, repeat each call until it is answered (but for the impatient,
 * who never learn), and watch the orders that they know of.
 */
export class Load {
  readonly history: History
  readonly #options: LoadOptions
  readonly #clients: Clients
  readonly #users: User[]
  readonly #stop = new AbortController()
  readonly #calls = new Set<Promise<unknown>>()
  /** What orders are about that will be refunded when they are paid. */
  readonly #toRefund = new Map<string, bigint>()
  #clock: Promise<void> | undefined
  #held = 0

  constructor(history: History, options: LoadOptions) {
    const { gateway, users } = options
    this.history = history
    this.#options = options
    this.#clients = new Clients(history, { orders: gateway, payments: gateway })
    const receive = (user: string, orderId: string, status: string) => {
      history.receive(orderId, status)
      if (status === 'PAID') this.#track(this.#refund(user, orderId))
    }
    this.#users = Array.from({ length: users }, (_, index) => newUser(index, gateway, receive))
  }

  /** Opens the accounts, then orders until `stop`. */
  async start(): Promise<void> {
    const withAccount = this.#users.filter(({ hasAccount }) => hasAccount)
    await Promise.all(withAccount.map(({ name }) => this.#clients.openAccount(name)))
    const withMoney = withAccount.filter(({ hasMoney }) => hasMoney)
    await Promise.all(withMoney.map(({ name }) => this.#clients.topUp(name, topUpMinor)))
    this.#clock = this.#run()
  }

  /** Orders that were not placed because too many waited for their answer. */
  get held(): number {
    return this.#held
  }

  /** No new calls; those under way go on until they are answered. */
  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#clock
    await Promise.all(this.#calls)
  }

  /** Every subscriber has heard of every order that it follows. */
  async untilReceived(timeoutMs: number): Promise<void> {
    const open = () => this.#users.reduce((sum, { subscriber }) => sum + subscriber.open, 0)
    await eventually(() => open() === 0, { timeoutMs, everyMs: 100 })
  }

  close(): void {
    this.#stop.abort()
    for (const { subscriber } of this.#users) subscriber.close()
  }

  async #run(): Promise<void> {
    const { ordersPerSecond, seed } = this.#options
    const random = randomOf(seed, 'load')
    const startedAtMs = performance.now()
    for (let made = 0; !this.#stop.signal.aborted; made++) {
      const dueMs = startedAtMs + (made * 1_000) / ordersPerSecond
      await pause(Math.max(0, dueMs - performance.now()), this.#stop.signal)
      const user = random.pick(this.#users)
      const amountMinor = BigInt(random.between(1, orderMaxMinor))
      const abortAfterMs = random.next() < 0.03 ? random.between(1, 60) : undefined
      const topsUp = user.hasMoney && random.next() < 0.02
      if (this.#calls.size >= inFlightMax) this.#held++
      else {
        this.#track(this.#order(user, amountMinor, abortAfterMs))
        if (topsUp) this.#track(this.#clients.topUp(user.name, topUpMinor))
      }
    }
  }

  async #order({ name, subscriber }: User, amountMinor: bigint, abortAfterMs: number | undefined) {
    const insisting =
      abortAfterMs === undefined ? {} : { signal: AbortSignal.timeout(abortAfterMs) }
    const pauseMs = 1_000 // as long as Retry-After says; sooner, the clients keep down who is down
    const order = await this.#clients.placeOrder(name, amountMinor, { ...insisting, pauseMs })
    const id = order?.order_id as string | undefined
    if (id === undefined) return
    this.history.watch(id)
    if (amountMinor % refundEvery === 0n) this.#toRefund.set(id, amountMinor)
    subscriber.follow(id)
  }

  /** Once, and then the client waits to be told how that ends. No more are begun after the end. */
  async #refund(userId: string, orderId: string): Promise<void> {
    const amountMinor = this.#toRefund.get(orderId)
    if (amountMinor === undefined || this.#stop.signal.aborted) return
    this.#toRefund.delete(orderId)
    const accepted = await this.#clients.refund(
      { orderId, userId, amountMinor },
      { pauseMs: 1_000 },
    )
    if (!accepted) return
    this.history.watchRefund(orderId)
    this.#users.find(({ name }) => name === userId)?.subscriber.follow(orderId)
  }

  #track(call: Promise<unknown>): void {
    this.#calls.add(call)
    void call.finally(() => this.#calls.delete(call))
  }
}

/** Users of such a load who have an account with money. */
export const payingUsers = (users: number): string[] =>
  Array.from({ length: users }, (_, index) => index)
    .filter(hasMoney)
    .map(userName)

const userName = (index: number): string => `user-${index}`
/** Of ten users one has no account, and one an account without money. */
const hasAccount = (index: number): boolean => index % 10 !== 0
const hasMoney = (index: number): boolean => index % 10 > 1

interface User {
  name: string
  hasAccount: boolean
  hasMoney: boolean
  subscriber: OrderSubscriber
}

type Receive = (user: string, orderId: string, status: string) => void

function newUser(index: number, gateway: string, receive: Receive): User {
  return {
    name: userName(index),
    hasAccount: hasAccount(index),
    hasMoney: hasMoney(index),
    subscriber: new OrderSubscriber(gateway, (id, status) => receive(userName(index), id, status)),
  }
}
