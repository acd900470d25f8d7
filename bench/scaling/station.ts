import type { Clock } from './clock.ts'
import type { Resource } from './resources.ts'

/** Part of a batch: its mean is `batchMs`, and `orderMs` for each order. */
export interface Step {
  at: Resource
  batchMs: number
  orderMs: number
  /** Events of a full message share its cost. */
  sharedBy?: number
  /** After it, the orders go on, though the batch has steps left. */
  handsOver?: true
}

export interface StationOptions {
  clock: Clock
  /** A batch of each at a time, by turns on the threads of its replicas. */
  lanes: Step[][]
  batchSize: number
  /** How long a batch that is not full gathers more, when the last one was more than one order. */
  gatherMs: number
  /** Of the mean of a step. */
  vary: (ms: number) => number
}

/** What ten events in one message cost of ten messages: docs/decisions, number 22. */
const costOfSharing = 0.25

/** A queue of orders and those who take batches from it. */
export class Station<Order> {
  readonly #options: StationOptions
  readonly #idle: { steps: Step[]; lastSize: number }[]
  readonly #next: (order: Order) => void
  #queue: Order[] = []
  #isGathering = false

  constructor(options: StationOptions, next: (order: Order) => void) {
    this.#options = options
    this.#next = next
    this.#idle = options.lanes.map((steps) => ({ steps, lastSize: 1 }))
  }

  /** Waiting, not yet in a batch. */
  get length(): number {
    return this.#queue.length
  }

  push(order: Order): void {
    this.#queue.push(order)
    this.#startWhatMay()
  }

  #startWhatMay(): void {
    const { batchSize, gatherMs, clock } = this.#options
    while (this.#queue.length > 0 && this.#idle.length > 0) {
      const mayWait = gatherMs > 0 && (this.#idle[0]?.lastSize ?? 1) > 1
      if (mayWait && this.#queue.length < batchSize) {
        if (this.#isGathering) return
        this.#isGathering = true
        clock.after(gatherMs, () => {
          this.#isGathering = false
          this.#start()
          this.#startWhatMay()
        })
        return
      }
      this.#start()
    }
  }

  #start(): void {
    if (this.#queue.length === 0) return
    const lane = this.#idle.shift()
    if (!lane) return
    const batch = this.#queue.splice(0, this.#options.batchSize)
    lane.lastSize = batch.length
    this.#run(lane.steps, batch, () => {
      this.#idle.push(lane)
      this.#startWhatMay()
    })
  }

  #run([step, ...rest]: Step[], batch: Order[], done: () => void): void {
    if (!step) {
      done()
      return
    }
    const { at, batchMs, orderMs, sharedBy = 0, handsOver } = step
    const isShared = sharedBy > 1 && batch.length >= sharedBy
    const mean = batchMs + batch.length * orderMs * (isShared ? costOfSharing : 1)
    at.use(this.#options.vary(mean), () => {
      if (handsOver) for (const order of batch) this.#next(order)
      this.#run(rest, batch, done)
    })
  }
}
