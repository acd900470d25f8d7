import { quantile } from '../measurement.ts'
import { Clock, exponential, randomOf } from './clock.ts'
import { type Layout, Pipeline } from './pipeline.ts'
import { Disk, Machine } from './resources.ts'
import { tiers as allTiers, type Tier } from './service-times.ts'

export interface Scenario extends Layout {
  /** A rate of arrivals (Poisson), or a number that is always under way. */
  load: { perSecond: number } | { underWay: number }
  seconds: number
  seed?: number
  /** How much of a step's time varies (exponentially): 0 to 1. */
  variation?: number
  tiers?: Tier[]
}

interface Order {
  placedAt: number
  acceptedAt: number
  finalAt: number
}

export interface Outcome {
  placed: number
  final: number
  /** Orders that became final, a second. */
  perSecond: number
  /** From the POST to the push. */
  p50Ms: number
  p99Ms: number
  /** From the answer to the POST to the push. */
  answered: { p50Ms: number; p99Ms: number }
  cpuMsPerOrder: number
  /** Of the log that is flushed most. */
  flushesPerSecond: number
  /** What was busiest, and how busy: of logs, only the lock of NOTIFY. */
  bound: { name: string; utilization: number }
  /** Both sides of Little's law: orders under way on average, and arrivals × time of each. */
  little: { underWay: number; arrivalsTimesMs: number }
}

/**
 * The pipeline of one cell in time, until all orders are final; the same for the same seed. Rates
 * and times are of what happens after the first fifth of the time, when the queues have filled.
 */
export function simulate(scenario: Scenario): Outcome {
  const { load, seconds, seed = 1, variation = 0.3, tiers = allTiers } = scenario
  const clock = new Clock()
  const random = randomOf(seed)
  const vary = (ms: number) => ms * (1 - variation + variation * exponential(random))
  const endMs = seconds * 1_000
  const orders: Order[] = []
  const underWay = new Level(clock)
  const place = () => {
    const order = { placedAt: clock.now, acceptedAt: 0, finalAt: 0 }
    orders.push(order)
    underWay.change(1)
    pipeline.stations[0]?.push(order)
  }
  const last = tiers.at(-1)?.name
  const passed = (tier: string, order: Order) => {
    if (tier === 'orders-api') order.acceptedAt = clock.now
    if (tier !== last) return
    if (order.finalAt > 0) throw new Error('An order became final twice')
    order.finalAt = clock.now
    underWay.change(-1)
    if ('underWay' in load && clock.now < endMs) place()
  }
  const pipeline = new Pipeline<Order>(clock, scenario, { vary, passed }, tiers)
  const arrive = (meanMs: number) =>
    clock.after(meanMs * exponential(random), () => {
      if (clock.now >= endMs) return
      place()
      arrive(meanMs)
    })
  let used: ReturnType<typeof usageOf> | undefined
  clock.after(endMs, () => {
    used = usageOf(pipeline, seconds)
  })
  if ('perSecond' in load) arrive(1_000 / load.perSecond)
  else for (let count = 0; count < load.underWay; count++) place()
  clock.run()
  const cpuMs = machinesOf(pipeline).reduce((sum, machine) => sum + machine.usedMs(), 0)
  return {
    ...timesOf(orders, endMs),
    ...(used as ReturnType<typeof usageOf>),
    cpuMsPerOrder: cpuMs / orders.length,
    little: littleOf(orders, underWay.area() / clock.now, clock.now),
  }
}

/** A number, and its sum over time. */
class Level {
  readonly #clock: Clock
  #level = 0
  #area = 0
  #changedAt = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  change(by: number): void {
    this.#area = this.area()
    this.#changedAt = this.#clock.now
    this.#level += by
  }

  area = (): number => this.#area + this.#level * (this.#clock.now - this.#changedAt)
}

const machinesOf = ({ resources }: Pipeline<Order>): Machine[] =>
  [...resources.values()].filter((resource) => resource instanceof Machine)

function usageOf({ resources }: Pipeline<Order>, seconds: number) {
  const disks = [...resources.values()].filter((resource) => resource instanceof Disk)
  return {
    flushesPerSecond: Math.max(0, ...disks.map(({ flushes }) => flushes)) / seconds,
    bound: [...resources]
      .map(([name, resource]) => ({ name, utilization: resource.utilization() }))
      .reduce((most, one) => (one.utilization > most.utilization ? one : most)),
  }
}

function timesOf(orders: Order[], endMs: number) {
  const from = endMs / 5
  const ended = orders.filter(({ finalAt }) => finalAt >= from && finalAt < endMs)
  const later = orders.filter(({ placedAt }) => placedAt >= from)
  const quantiles = (times: number[]) => ({
    p50Ms: quantile(times, 0.5),
    p99Ms: quantile(times, 0.99),
  })
  return {
    placed: orders.length,
    final: orders.filter(({ finalAt }) => finalAt > 0).length,
    perSecond: ended.length / ((endMs - from) / 1_000),
    ...quantiles(later.map(({ placedAt, finalAt }) => finalAt - placedAt)),
    answered: quantiles(later.map(({ acceptedAt, finalAt }) => finalAt - acceptedAt)),
  }
}

function littleOf(orders: Order[], underWay: number, ms: number): Outcome['little'] {
  const sum = orders.reduce((total, { placedAt, finalAt }) => total + finalAt - placedAt, 0)
  return { underWay, arrivalsTimesMs: (orders.length / ms) * (sum / orders.length) }
}
