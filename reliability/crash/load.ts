import { pause } from '#chassis/pause.ts'
import { isPending } from '#contracts/order-states.ts'
import { call, OrderWatcher } from '#testing/client.ts'
import type { Clients, Doors } from '../judge/clients.ts'
import type { History } from '../judge/history.ts'

/** One who can always pay, one who can every second time, and one who has no account. */
export const users = { rich: 'rich', thin: 'thin', nobody: 'nobody' } as const

/** On top of an amount, more than the thin one ever has. */
const tooMuch = 1_000_000n

/** With so many orders on their way there is enough to do: only now and then comes one more. */
const busyAt = 30
const busyPauseMs = 500

/** What one connection may follow is limited; who has more to follow opens another one. */
const mostFollowed = 90

/**
 * Clients that keep the whole system busy, a little of everything: orders, accounts, top-ups, lists,
 * and watchers of orders and of a user. All that matters is in the history.
 */
export class Load {
  readonly #history: History
  readonly #clients: Clients
  readonly #doors: Doors
  readonly #stop = new AbortController()
  readonly #giveUp = new AbortController()
  readonly #watchers: OrderWatcher[] = []
  readonly #newWatcher: () => OrderWatcher
  readonly #userWatcher: UserWatcher
  #loops: Promise<unknown>[] = []
  #turns = 0
  /** The orders that were placed, the newest last. */
  readonly orderIds: string[] = []

  constructor(history: History, clients: Clients, doors: Doors) {
    this.#history = history
    this.#clients = clients
    this.#doors = doors
    const tell = (orderId: string, status: string) => history.tell(orderId, status)
    this.#newWatcher = () => new OrderWatcher(doors.orders, tell)
    this.#userWatcher = new UserWatcher(doors.orders, users.thin, tell)
  }

  start(): void {
    const insisting = { signal: this.#giveUp.signal }
    const open = async () => {
      for (const user of [users.rich, users.thin]) await this.#clients.openAccount(user, insisting)
      await this.#clients.topUp(users.rich, 10_000_000n, insisting)
    }
    this.#loops = [
      open(),
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
  get untold(): number {
    return this.#watchers.reduce((sum, { open }) => sum + open, 0)
  }

  close(): void {
    for (const watcher of this.#watchers) watcher.close()
    this.#userWatcher.close()
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
    const placed = await this.#clients.placeOrder(user ?? users.rich, amountMinor, {
      signal: this.#giveUp.signal,
    })
    if (!placed) return
    const orderId = placed.order_id as string
    this.orderIds.push(orderId)
    this.#history.watch(orderId)
    this.#freeWatcher().follow(orderId)
    if (this.untold > busyAt) await pause(busyPauseMs, this.#stop.signal)
  }

  #freeWatcher(): OrderWatcher {
    const free = this.#watchers.find(({ open }) => open < mostFollowed)
    if (free) return free
    const watcher = this.#newWatcher()
    this.#watchers.push(watcher)
    return watcher
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
class UserWatcher {
  readonly #connect: () => void
  #socket: WebSocket | undefined
  #closed = false

  constructor(door: string, userId: string, tell: (orderId: string, status: string) => void) {
    const url = `${door.replace(/^http/, 'ws')}/orders/ws?user_id=${userId}`
    this.#connect = () => {
      const socket = new WebSocket(url)
      this.#socket = socket
      socket.addEventListener('open', () => socket.send('nonsense'))
      socket.addEventListener('message', ({ data }) => {
        const { order_id, status } = JSON.parse(String(data))
        if (order_id && !isPending(status)) tell(order_id, status)
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
