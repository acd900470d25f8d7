import { readable } from '../measurement.ts'
import type { Layout } from './pipeline.ts'
import { simulate } from './simulate.ts'

/** A rate of orders, and what is to carry it. */
export interface Plan extends Layout {
  ordersPerSecond: number
  /** Groups of cells, each with its own machines, databases and queues. */
  groups: number
}

/** The three steps of docs/scaling.md. */
export const plans: Plan[] = [
  { ordersPerSecond: 1_000, groups: 1, machines: 1, cores: 4, replicas: 1 },
  { ordersPerSecond: 10_000, groups: 1, machines: 5, cores: 8, replicas: 4 },
  { ordersPerSecond: 100_000, groups: 10, machines: 5, cores: 8, replicas: 4 },
]

export const predictedHead = [
  'placed/s',
  'groups',
  'machines',
  'cores each',
  'replicas',
  'final/s',
  'p50 ms',
  'p99 ms',
  'flushes/s of a log',
  'busiest',
]

/** Groups share nothing, so one of them is simulated, with its part of the orders. */
export function predict(plan: Plan, { seconds, seed }: { seconds: number; seed: number }) {
  const { ordersPerSecond, groups, machines, cores, replicas } = plan
  const outcome = simulate({
    ...plan,
    load: { perSecond: ordersPerSecond / groups },
    seconds,
    seed,
  })
  const { perSecond, p50Ms, p99Ms, flushesPerSecond, bound } = outcome
  return [
    readable(ordersPerSecond),
    String(groups),
    String(machines * groups),
    String(cores),
    String(replicas),
    ...[perSecond * groups, p50Ms, p99Ms, flushesPerSecond].map(readable),
    `${bound.name}, ${Math.round(bound.utilization * 100)} %`,
  ]
}
