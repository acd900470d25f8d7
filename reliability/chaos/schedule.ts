import type { NetworkFault, Way } from '#testing/proxied-connection.ts'
import { type Random, randomOf } from './random.ts'

/** The ways that a proxy of the tests watches over. */
export const links = ['orders database', 'payments database', 'broker', 'gateway'] as const
export type Link = (typeof links)[number]
export type DatabaseLink = Extract<Link, `${string} database`>

/** How the database of Orders can be away: killed, its connections reset, or nothing passing. */
export const aways = ['killed', 'cut', 'silent'] as const
export type Away = (typeof aways)[number]

/** Everything that can go wrong in a run, with all that was drawn for it. */
export type Fault =
  | { kind: 'kill'; victims: string[] }
  | { kind: 'stop'; victim: string; forMs: number }
  | { kind: 'roll' }
  | { kind: 'kill broker' }
  | { kind: 'stop broker'; forMs: number }
  | { kind: 'wipe broker' }
  | { kind: 'purge queue' | 'delete queue' | 'unbind queue'; queue: string }
  | { kind: 'alarm'; forMs: number }
  | { kind: 'kill postgres' }
  | { kind: 'end listeners' }
  | { kind: 'kill gateway'; signal: 'SIGKILL' | 'SIGTERM' }
  | { kind: 'cut'; link: Link; name: string }
  | { kind: 'network fault'; link: Link; name: string; networkFault: NetworkFault; forMs: number }
  | { kind: 'half-open'; link: Link; name: string; ways: Way[] }
  | { kind: 'lose commit answer'; link: Link }
  | { kind: 'lock account'; userId: string; forMs: number }
  | { kind: 'lock order'; forMs: number }
  | { kind: 'silent notify'; link: DatabaseLink; userIds: string[]; forMs: number }
  | { kind: 'database away at subscription'; away: Away; userIds: string[]; forMs: number }

export type FaultKind = Fault['kind']
export type Timed = { atMs: number; fault: Fault }

export interface Plan {
  seed: number
  durationMs: number
  paymentRequestRetry: boolean
  /** Names of the running processes: `orders-relay`, `orders-relay.2` … */
  processes: readonly string[]
  queues: readonly string[]
  /** Whose accounts are locked, and who is followed. */
  userIds: readonly string[]
  /** How much more often than usual; for short runs. */
  haste?: number
}

/** The run of `npm test`: how long, and how thick. */
export const shortRun = { durationMs: 6_000, haste: 6, paymentRequestRetry: false }

type Draw = (random: Random, plan: Plan) => Fault

/**
 * What empties the broker: orders get lost on the way, and only the payment request retry brings
 * them back.
 */
export const losses: readonly FaultKind[] = ['wipe broker', 'purge queue', 'delete queue']

/** How often each comes, on average, and what is drawn for it. */
const kinds: Record<FaultKind, { everyMs: number; draw: Draw }> = {
  kill: {
    everyMs: 5_500,
    draw: (random, { processes }) => ({
      kind: 'kill',
      victims: random.sample(processes, random.between(1, 3)),
    }),
  },
  stop: {
    everyMs: 20_000,
    draw: (random, { processes }) => ({
      kind: 'stop',
      victim: random.pick(processes),
      forMs: random.between(1_000, 15_000),
    }),
  },
  roll: { everyMs: 300_000, draw: () => ({ kind: 'roll' }) },
  'kill broker': { everyMs: 80_000, draw: () => ({ kind: 'kill broker' }) },
  'stop broker': {
    everyMs: 180_000,
    draw: (random) => ({ kind: 'stop broker', forMs: random.between(1_000, 12_000) }),
  },
  'wipe broker': { everyMs: 240_000, draw: () => ({ kind: 'wipe broker' }) },
  'purge queue': { everyMs: 240_000, draw: onQueue('purge queue') },
  'delete queue': { everyMs: 240_000, draw: onQueue('delete queue') },
  'unbind queue': { everyMs: 240_000, draw: onQueue('unbind queue') },
  alarm: {
    everyMs: 120_000,
    draw: (random) => ({ kind: 'alarm', forMs: random.between(1_000, 8_000) }),
  },
  'kill postgres': { everyMs: 50_000, draw: () => ({ kind: 'kill postgres' }) },
  'end listeners': { everyMs: 20_000, draw: () => ({ kind: 'end listeners' }) },
  'kill gateway': {
    everyMs: 60_000,
    draw: (random) => ({ kind: 'kill gateway', signal: random.pick(['SIGKILL', 'SIGTERM']) }),
  },
  cut: {
    everyMs: 15_000,
    draw: (random, plan) => ({ kind: 'cut', ...drawConnections(random, plan) }),
  },
  'network fault': {
    everyMs: 20_000,
    draw: (random, plan) => ({
      kind: 'network fault',
      ...drawConnections(random, plan),
      networkFault: drawNetworkFault(random),
      forMs: random.between(1_000, 10_000),
    }),
  },
  'half-open': {
    everyMs: 20_000,
    draw: (random, plan) => ({
      kind: 'half-open',
      ...drawConnections(random, plan),
      ways: random.pick<Way[]>([['up'], ['down'], ['up', 'down']]),
    }),
  },
  'lose commit answer': {
    everyMs: 10_000,
    draw: (random) => ({
      kind: 'lose commit answer',
      link: random.pick<Link>(['orders database', 'payments database']),
    }),
  },
  'lock account': {
    everyMs: 30_000,
    draw: (random, { userIds }) => ({
      kind: 'lock account',
      userId: random.pick(userIds),
      forMs: random.between(1_000, 30_000),
    }),
  },
  'lock order': {
    everyMs: 30_000,
    draw: (random) => ({ kind: 'lock order', forMs: random.between(1_000, 15_000) }),
  },
  'silent notify': {
    everyMs: 30_000,
    draw: (random, { userIds }) => ({
      kind: 'silent notify',
      link: random.pick<DatabaseLink>(['orders database', 'payments database']),
      userIds: random.sample(userIds, 5),
      forMs: random.between(1_000, 15_000),
    }),
  },
  'database away at subscription': {
    everyMs: 30_000,
    draw: (random, { userIds }) => ({
      kind: 'database away at subscription',
      away: random.pick(aways),
      userIds: random.sample(userIds, 5),
      forMs: random.between(1_000, 5_000),
    }),
  },
}

export const faultKinds = Object.keys(kinds) as FaultKind[]

/**
 * All faults of a run in their order. A pure function of the plan: the same seed is the same run,
 * as far as whoever gives the orders goes. Without the payment request retry, nothing that empties
 * the broker.
 */
export function scheduleOf(plan: Plan): Timed[] {
  const wanted = faultKinds.filter((kind) => plan.paymentRequestRetry || !losses.includes(kind))
  return wanted
    .flatMap((kind) => occurrencesOf(kind, plan))
    .toSorted((one, other) => one.atMs - other.atMs)
}

/** Spread evenly, each somewhere in its own slot: often enough for sure, and never in step. */
function occurrencesOf(kind: FaultKind, plan: Plan): Timed[] {
  const { everyMs, draw } = kinds[kind]
  const random = randomOf(plan.seed, kind)
  const slotMs = everyMs / (plan.haste ?? 1)
  const count = Math.floor(plan.durationMs / slotMs + random.next())
  return Array.from({ length: count }, (_, slot) => ({
    atMs: Math.min(plan.durationMs, Math.round((slot + random.next()) * slotMs)),
    fault: draw(random, plan),
  }))
}

function onQueue(kind: 'purge queue' | 'delete queue' | 'unbind queue'): Draw {
  return (random, { queues }) => ({ kind, queue: random.pick(queues) })
}

/** Connections of one process name on a link, or (an empty name) all of the link. */
function drawConnections(random: Random, { processes }: Plan): { link: Link; name: string } {
  const link = random.pick(links)
  const names = [...new Set(processes.map((name) => name.replace(/\.\d+$/, '')))]
  const service = { 'orders database': /^orders-/, 'payments database': /^payments-/ }[
    link as string
  ]
  const name =
    link === 'gateway'
      ? ''
      : random.pick(['', ...names.filter((each) => !service || service.test(each))])
  return { link, name }
}

function drawNetworkFault(random: Random): NetworkFault {
  return random.pick<NetworkFault>([
    { silent: ['up'] },
    { silent: ['down'] },
    { silent: ['up', 'down'] },
    { delayMs: 200, jitterMs: 100 },
    { pieceBytes: 10 },
    { lateEndMs: 5_000 },
  ])
}
