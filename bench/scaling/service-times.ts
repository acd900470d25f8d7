import { consumerDefaults, relayDefaults } from '#messaging/defaults.ts'

type Service = 'orders' | 'payments'

/** Where a step takes its time; `thread` is the one that the process runs on. */
export type Place =
  | 'thread'
  | `${Service} database`
  | `${Service | 'broker'} log`
  | 'notify lock'
  | 'broker'
  | 'requests queue'
  | 'replies queue'

/** Milliseconds of a batch, and of each order in it: at its place. */
type ServiceTime = [Place, batchMs: number, orderMs: number, flag?: 'hands over']

export interface Tier {
  name: string
  /** Whose thread it is. */
  process: string
  lanes: number
  batchSize: number
  gatherMs: number
  steps: ServiceTime[]
}

/**
 * Measured on 2026-11-26 (docs/results/2026-11-26.md), two cores, the CPU of an order by program at
 * full load: postgres 0.32 ms, orders-api 0.24, rabbitmq 0.22, payments-consumer 0.13,
 * orders-consumer 0.10, nginx 0.06, each relay 0.05. Divided so:
 *
 * - PostgreSQL: 0.042 of a charge and 0.037 of each relay, as "What bounds the figures" there has
 *   them; what is left by halves for accepting and settling.
 * - RabbitMQ: half for each event. Of that 0.035 to take and 0.015 to deliver at the leader of the
 *   queue (decision 22), the rest on other cores of its machine.
 * - orders-api and nginx: three quarters to accept, the rest to push. An assumption.
 *
 * What a batch costs besides is chosen so that a lone order has the stages measured there at 20
 * orders a second: 1.5 ms a flush, and a half to one at each process and database.
 */
const flushMs = 1.5

/** Of the benchmark, on the same cores: what 1.18 ms an order left of both at 1,560 orders/s. */
export const loadGenerator: Tier = {
  name: 'load generator',
  process: 'load generator',
  lanes: 1,
  batchSize: 64,
  gatherMs: 0,
  steps: [['thread', 0, 0.1, 'hands over']],
}

const relayOf = (service: Service, queue: Place): Tier => ({
  name: `${service}-relay`,
  process: `${service}-relay`,
  lanes: relayDefaults.concurrency,
  batchSize: relayDefaults.batchSize,
  gatherMs: 25,
  steps: [
    [`${service} database`, 0.4, 0.02],
    ['thread', 0.3, 0.05],
    [queue, 0.05, 0.035],
    ['broker', 0.1, 0.04],
    ['broker log', flushMs, 0, 'hands over'],
    [`${service} database`, 0.2, 0.017],
    [`${service} log`, flushMs, 0],
  ],
})

const consumerOf = (service: Service, queue: Place, work: ServiceTime[]): Tier => ({
  name: `${service}-consumer`,
  process: `${service}-consumer`,
  lanes: consumerDefaults.concurrency,
  batchSize: consumerDefaults.batchSize,
  gatherMs: consumerDefaults.lingerMs,
  steps: [[queue, 0.05, 0.015], ['broker', 0.05, 0.02], ...work],
})

/** In the order in which an order passes them. */
export const tiers: Tier[] = [
  {
    name: 'gateway',
    process: 'gateway',
    lanes: 1,
    batchSize: 64,
    gatherMs: 0,
    steps: [['thread', 0.05, 0.045, 'hands over']],
  },
  {
    name: 'orders-api',
    process: 'orders-api',
    lanes: 2,
    batchSize: 200,
    gatherMs: 0,
    steps: [
      ['thread', 0.6, 0.18],
      ['orders database', 0.6, 0.102],
      ['orders log', flushMs, 0, 'hands over'],
    ],
  },
  relayOf('orders', 'requests queue'),
  consumerOf('payments', 'requests queue', [
    ['thread', 0.4, 0.13],
    ['payments database', 0.5, 0.042],
    ['payments log', flushMs, 0, 'hands over'],
  ]),
  relayOf('payments', 'replies queue'),
  consumerOf('orders', 'replies queue', [
    ['thread', 0.4, 0.1],
    ['orders database', 0.4, 0.102],
    ['notify lock', flushMs, 0, 'hands over'],
  ]),
  {
    name: 'push',
    process: 'orders-api',
    lanes: 1,
    batchSize: 200,
    gatherMs: 0,
    steps: [
      ['orders database', 0.3, 0],
      ['thread', 0.5, 0.075, 'hands over'],
    ],
  },
]
