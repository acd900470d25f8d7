import type { Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { BackendMessages } from './backend-messages.ts'

/** Which way bytes travel: `up` to the server, `down` to the client. */
export type Way = 'up' | 'down'

/** What can be wrong with a connection while both of its ends live. */
export interface NetworkFault {
  /** Nothing passes, and no end either: each side believes the other to be there. */
  silent?: readonly Way[]
  /** Each piece comes so much later, give or take the jitter; the order stays. */
  delayMs?: number
  jitterMs?: number
  /** Everything arrives in pieces of so many bytes, one a millisecond. */
  pieceBytes?: number
  /** When one side hangs up, the other hears of it so much later. */
  lateEndMs?: number
  /** Notifications of PostgreSQL do not reach its client; everything else does. */
  dropsNotifications?: boolean
}

interface Ends {
  client: Socket
  server: Socket
  /** What the server says is read message by message. */
  isPostgres: boolean
  onData: (way: Way, data: Buffer) => 'pass' | 'cut'
}

/** One connection through a proxy. What each side says queues for the other, ends included. */
export class ProxiedConnection {
  /** The first bytes of the client, where drivers of databases and brokers say who they are. */
  label = ''
  readonly openedAtMs = performance.now()
  readonly #client: Socket
  readonly #server: Socket
  readonly #messages: BackendMessages | undefined
  #fault: NetworkFault = {}
  #changed = Promise.withResolvers<void>()

  constructor({ client, server, isPostgres, onData }: Ends) {
    this.#client = client
    this.#server = server
    if (isPostgres) this.#messages = new BackendMessages(() => this.label)
    for (const [way, from, to] of [
      ['up', client, server],
      ['down', server, client],
    ] as const) {
      const queue = new Queue((turn) => this.#untilDue(way, turn))
      from.on('data', (data: Buffer) => {
        if (way === 'up' && this.label.length < labelBytes) this.label += data.toString('latin1')
        if (onData(way, data) === 'cut') this.cut()
        else queue.add(() => this.#write(to, way === 'down' ? this.#heard(data) : data))
      })
      from.on('error', () => {})
      from.on('close', () => queue.add(() => this.#end(to)))
    }
  }

  /** From now on. What is held up by the fault before passes as soon as the new one lets it. */
  change(networkFault: NetworkFault): void {
    this.#fault = networkFault
    this.#changed.resolve()
    this.#changed = Promise.withResolvers()
  }

  get networkFault(): NetworkFault {
    return this.#fault
  }

  /** Resolves when the client has hung up. */
  async left(): Promise<void> {
    if (this.#client.closed) return
    await new Promise<void>((resolve) => this.#client.once('close', () => resolve()))
  }

  /** Both sides get a reset. */
  cut(): void {
    this.#client.resetAndDestroy()
    this.#server.resetAndDestroy()
  }

  async #untilDue(way: Way, queuedAtMs: number): Promise<void> {
    const { delayMs = 0, jitterMs = 0 } = this.#fault
    const waitMs = queuedAtMs + delayMs + (2 * Math.random() - 1) * jitterMs - performance.now()
    if (waitMs > 1) await delay(waitMs)
    while (this.#fault.silent?.includes(way)) await this.#changed.promise
  }

  #heard(data: Buffer): Buffer {
    return this.#messages?.pass(data, this.#fault.dropsNotifications) ?? data
  }

  async #write(to: Socket, data: Buffer): Promise<void> {
    const { pieceBytes } = this.#fault
    if (pieceBytes === undefined) {
      to.write(data)
      return
    }
    for (let at = 0; at < data.length; at += pieceBytes) {
      to.write(data.subarray(at, at + pieceBytes))
      await delay(1)
    }
  }

  async #end(to: Socket): Promise<void> {
    if (this.#fault.lateEndMs) await delay(this.#fault.lateEndMs)
    to.destroy()
  }
}

const labelBytes = 4_096

/** One thing after the other, each when its turn is due. Costs nothing extra without a fault. */
class Queue {
  readonly #untilDue: (queuedAtMs: number) => Promise<void>
  #tail = Promise.resolve()

  constructor(untilDue: (queuedAtMs: number) => Promise<void>) {
    this.#untilDue = untilDue
  }

  add(work: () => Promise<void>): void {
    const queuedAtMs = performance.now()
    this.#tail = this.#tail.then(() => this.#untilDue(queuedAtMs)).then(work)
  }
}
