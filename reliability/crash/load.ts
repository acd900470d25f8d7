import { pause } from '#chassis/pause.ts'
import { MAX_MINOR } from '#contracts/money.ts'
import { isPending } from '#contracts/order-states.ts'
import { call, OrderSubscriber } from '#testing/client.ts'
import type { Clients, Doors, RefundedOrder } from '../judge/clients.ts'
import type { History } from '../judge/history.ts'

/** One who can always pay, one who can every second time, and one who has no account. */
export const users = { rich: 'rich', thin: 'thin', nobody: 'nobody' } as const

/**
 * Whose balance is full: a refund to one is refused. Each takes a whole order and a top-up for it,
 * so there are several, and whatever waits for such a refund does not wait for long.
 */
const fullUsers = ['full-1', 'full-2', 'full-3']

/** One order in so many is refunded when its client was told that it is paid. */
const refundEvery = 3

/** On top of an amount, more than the thin one ever has. */
const tooMuch = 1_000_000n

/** With so many orders on their way there is enough to do: only now and then comes one more. */
const busyAt = 30
const busyPauseMs = 500

/** What one connection may follow is limited; who has more to follow opens another one. */
const mostFollowed = 90

/**
 * Clients that keep the whole system busy, a little of everything: orders, accounts, top-ups,
 * lists, and subscribers of orders and of a user. All that matters is in the history.
 */
export class Load {
  readonly #history: History
  readonly #clients: Clients
  readonly #doors: Doors
  readonly #stop = new AbortController()
  readonly #giveUp = new AbortController()
  /** Who waits to be told of an order. */
  readonly #waiting = new Map<string, () => void>()
  readonly #subscribers: OrderSubscriber[] = []
  readonly #newSubscriber: () => OrderSubscriber
  readonly #userSubscriber: UserSubscriber
  #loops: Promise<unknown>[] = []
  #turns = 0
  /** The orders that were placed, the newest last. */
  readonly orderIds: string[] = []

  constructor(history: History, clients: Clients, doors: Doors) {
    this.#history = history
    this.#clients = clients
    this.#doors = doors
    const receive = (orderId: string, status: string) => {
      history.receive(orderId, status)
      this.#tellWaiting(orderId)
    }
    this.#newSubscriber = () => new OrderSubscriber(doors.orders, receive)
    this.#userSubscriber = new UserSubscriber(doors.orders, users.thin, receive)
  }

  start(): void {
    const insisting = { signal: this.#giveUp.signal }
    const open = async () => {
      for (const user of [users.rich, users.thin]) await this.#clients.openAccount(user, insisting)
      await this.#clients.topUp(users.rich, 10_000_000n, insisting)
    }
    const refundInVain = async (user: string) => {
      await this.#clients.openAccount(user, insisting)
      await this.#clients.topUp(user, MAX_MINOR, insisting)
      await this.#repeat(500, () => this.#refundInVain(user))
    }
    this.#loops = [
      open(),
      ...fullUsers.map(refundInVain),
      this.#repeat(50, () => this.#placeOrder()),
      this.#repeat(50, () => this.#placeOrder()),
      this.#repeat(250, () => this.#openAndTopUp()),
      this.#repeat(250, () => this.#look()),
    ]
  }

  /** Places no more, and waits so long for the answers that are missing. */
  async stop(timeoutMs: number): Promise<void> {
    this.#stop.abort()
    const giveUp = setTimeout(() => this.#giveUp.abort(), timeoutMs)
    await Promise.all(this.#loops)
    clearTimeout(giveUp)
  }

  /** Orders of which nobody was told the end. */
  get unreceived(): number {
    return this.#subscribers.reduce((sum, { open }) => sum + open, 0)
  }

  close(): void {
    for (const subscriber of this.#subscribers) subscriber.close()
    this.#userSubscriber.close()
  }

  async #repeat(everyMs: number, work: () => Promise<unknown>): Promise<void> {
    const { signal } = this.#stop
    while (!signal.aborted) {
      await work()
      await pause(everyMs, signal)
    }
  }

  /** Each of another amount, so that an order which belongs to no call stands out. */
  async #placeOrder(): Promise<void> {
    const turn = this.#turns++
    const user = [users.rich, users.rich, users.thin, users.rich, users.nobody][turn % 5]
    const amountMinor = BigInt(turn + 1) + (turn % 10 === 7 ? tooMuch : 0n)
    const orderId = await this.#place(user ?? users.rich, amountMinor)
    if (orderId && turn % refundEvery === 0 && user === users.rich) {
      void this.#whenReceived(orderId).then(() =>
        this.#refund({ orderId, userId: user, amountMinor }),
      )
    }
    if (this.unreceived > busyAt) await pause(busyPauseMs, this.#stop.signal)
  }

  async #place(userId: string, amountMinor: bigint): Promise<string | undefined> {
    const insisting = { signal: this.#giveUp.signal }
    const placed = await this.#clients.placeOrder(userId, amountMinor, insisting)
    if (!placed) return undefined
    const orderId = placed.order_id as string
    this.orderIds.push(orderId)
    this.#history.watch(orderId)
    this.#freeSubscriber().follow(orderId)
    return orderId
  }

  /** Nothing is begun any more when it is told after the end. */
  async #refund(order: RefundedOrder): Promise<void> {
    if (this.#stop.signal.aborted) return
    const refunding = this.#clients.refund(order, { signal: this.#giveUp.signal })
    this.#loops.push(refunding)
    if (!(await refunding)) return
    this.#history.watchRefund(order.orderId)
    this.#freeSubscriber().follow(order.orderId)
  }

  /** Of an order of somebody whose account was filled again meanwhile: the refund is refused. */
  async #refundInVain(user: string): Promise<void> {
    const amountMinor = BigInt((this.#turns++ % 1_000) + 1)
    const orderId = await this.#place(user, amountMinor)
    if (!orderId) return
    await this.#whenReceived(orderId)
    if (this.#stop.signal.aborted) return
    await this.#clients.topUp(user, amountMinor, { signal: this.#giveUp.signal })
    await this.#refund({ orderId, userId: user, amountMinor })
  }

  /** When a client was told a status at rest of an order; or nothing is begun any more. */
  #whenReceived(orderId: string): Promise<void> {
    return new Promise((resolve) => {
      if (this.#stop.signal.aborted || this.#history.received.get(orderId)?.length) return resolve()
      this.#waiting.set(orderId, resolve)
      this.#stop.signal.addEventListener('abort', () => resolve(), { once: true })
    })
  }

  #tellWaiting(orderId: string): void {
    this.#waiting.get(orderId)?.()
    this.#waiting.delete(orderId)
  }

  #freeSubscriber(): OrderSubscriber {
    const free = this.#subscribers.find(({ open }) => open < mostFollowed)
    if (free) return free
    const subscriber = this.#newSubscriber()
    this.#subscribers.push(subscriber)
    return subscriber
  }

  async #openAndTopUp(): Promise<void> {
    const user = `user-${this.#turns++}`
    const insisting = { signal: this.#giveUp.signal }
    await this.#clients.openAccount(user, insisting)
    await this.#clients.topUp(user, 100n, insisting)
    await this.#clients.topUp(users.thin, 50n, insisting)
  }

  async #look(): Promise<void> {
    const { orders, payments } = this.#doors
    for (const [door, path] of [
      [orders, `/orders/${this.orderIds.at(-1)}`],
      [orders, '/orders/none'],
      [orders, `/orders?user_id=${users.thin}&limit=2`],
      [payments, `/accounts/${users.thin}`],
      [payments, `/accounts/${users.thin}/ledger?limit=2`],
      [payments, '/accounts/none'],
      [payments, '/accounts/none/ledger'],
    ] as const) {
      await call(door, 'GET', path).catch(() => {})
    }
  }
}

/** Follows a user, begins again whenever it is cut, and says something foolish each time. */
class UserSubscriber {
  readonly #connect: () => void
  #socket: WebSocket | undefined
  #closed = false

  constructor(door: string, userId: string, receive: (orderId: string, status: string) => void) {
    const url = `${door.replace(/^http/, 'ws')}/orders/ws?user_id=${userId}`
    this.#connect = () => {
      const socket = new WebSocket(url)
      this.#socket = socket
      socket.addEventListener('open', () => socket.send('nonsense'))
      socket.addEventListener('message', ({ data }) => {
        const { order_id, status } = JSON.parse(String(data))
        if (order_id && !isPending(status)) receive(order_id, status)
      })
      socket.addEventListener('close', () => {
        if (!this.#closed) setTimeout(this.#connect, 100)
      })
    }
    this.#connect()
  }

  close(): void {
    this.#closed = true
    this.#socket?.close()
  }
}
