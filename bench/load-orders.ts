import { randomUUID } from 'node:crypto'
import { now, sleepUntil } from './clock.ts'
import { HttpConnection } from './http-connection.ts'
import { answerRounds } from './processes.ts'
import { amount, userId } from './requests.ts'
import { watchRows } from './row-watch.ts'
import { watchUsers } from './status-watch.ts'
import type { Watch, WatchedRows } from './watch.ts'

/** Orders from the POST to the final status, at a WebSocket or in their rows, for so long. */
export interface Load {
  gateway: string
  seconds: number
  users: number
  connections: number
  /** Orders that are accepted and not final, at most: a new one waits for another's end. */
  inFlight: number
  /** New orders a second, at most. */
  perSecond?: number
  /** Each order with an Idempotency-Key of its own. */
  isKeyed?: boolean
  /** Where rows become final, and how often they are looked at; not given: at a WebSocket. */
  rows?: WatchedRows
}

/** What happened to an order and when, in milliseconds since the epoch. */
export interface TimedOrder {
  id: string
  sentAt: number
  answeredAt: number
  finalAt: number
}

export interface Loaded {
  /** All of the load, in the order of their answers. */
  orders: TimedOrder[]
  /** Became final within the time; the others after it. */
  finalInTime: number
  ms: number
  /** See Watch. */
  watchCpuMs: number
}

const drainMs = 30_000

answerRounds(async (load: Load): Promise<Loaded> => {
  const room = new Room(load.inFlight)
  const finals = new Map<string, number>()
  const onFinal = (orderId: string, status: string) => {
    if (status !== 'PAID') throw new Error(`order ${orderId} ended as ${status}`)
    if (finals.has(orderId)) throw new Error(`order ${orderId} was told twice`)
    finals.set(orderId, now())
    room.leave()
  }
  const watch = load.rows
    ? await watchRows(load.rows, onFinal)
    : await watchUsers(load.gateway, load.users, onFinal)
  const startedAt = now()
  const answered = await postAll(load, { room, watch }, startedAt + load.seconds * 1_000)
  const ms = now() - startedAt
  const finalInTime = finals.size
  await untilAllAreFinal(answered.length, finals)
  const watchCpuMs = watch.cpuMs()
  watch.close()
  const orders = answered.map((order) => ({
    ...order,
    finalAt: finals.get(order.id) ?? Number.NaN,
  }))
  return { orders, finalInTime, ms, watchCpuMs }
})

async function postAll(load: Load, { room, watch }: { room: Room; watch: Watch }, until: number) {
  const { gateway, users, connections, perSecond = Infinity, isKeyed } = load
  const url = `${gateway}/orders`
  const opened = await Promise.all(
    Array.from({ length: connections }, () => HttpConnection.connect(url)),
  )
  const answered: { id: string; sentAt: number; answeredAt: number }[] = []
  const startedAt = now()
  let next = 0
  const run = async (connection: HttpConnection) => {
    while (now() < until) {
      await room.enter()
      const number = next++
      // somewhere in its slot, so that no rhythm of the system is met or missed
      await sleepUntil(startedAt + ((number + Math.random()) / perSecond) * 1_000)
      const sentAt = now()
      const body = JSON.stringify({ user_id: userId(number % users), amount })
      const post = connection.post(body, isKeyed ? randomUUID() : undefined)
      const { status, body: answer } = await post
      if (status !== 201) throw new Error(`the answer was ${status}: ${answer}`)
      const id: string = JSON.parse(answer).order_id
      answered.push({ id, sentAt, answeredAt: now() })
      watch.add(id)
    }
  }
  await Promise.all(opened.map(run))
  for (const connection of opened) connection.close()
  return answered
}

async function untilAllAreFinal(count: number, finals: Map<string, number>): Promise<void> {
  const deadline = now() + drainMs
  while (finals.size < count && now() < deadline) await sleepUntil(now() + 20)
  if (finals.size !== count) throw new Error(`of ${count} orders ${finals.size} are final`)
}

/** For so many at a time; whoever comes later waits for one to leave. */
class Room {
  #free: number
  readonly #waiting: (() => void)[] = []

  constructor(size: number) {
    this.#free = size
  }

  async enter(): Promise<void> {
    if (this.#free-- > 0) return
    await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }

  leave(): void {
    this.#free++
    this.#waiting.shift()?.()
  }
}
