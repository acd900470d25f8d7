import { type Kysely, sql } from 'kysely'
import { processNames } from '#local/stack/ports.ts'
import { eventually } from '#testing/eventually.ts'
import type { Verdict } from '../judge/verdict.ts'
import { type Cell, CellRunner, type Crash } from './cells.ts'
import { injectionsByName } from './inject.ts'
import { loseFirstRequests } from './injections/losses.ts'
import { concludeSystem, openSystem, type System } from './system.ts'

interface Scenario {
  env?: NodeJS.ProcessEnv
  /** What is done while the clients go on. */
  run: (system: System, runner: CellRunner) => Promise<unknown>
}

const crash = (process: Crash['process'], when: Crash['when'], ...points: string[]): Scenario => ({
  run: (_system, runner) =>
    runner.run(
      points.map((point): Cell => [{ process, point, when, action: 'exit' }]),
      { boundMs: 15_000 },
    ),
})

/** So often a thing is done that only sometimes shows. */
const times = async (count: number, act: () => Promise<unknown>) => {
  for (let n = 0; n < count; n++) await act()
}

/** A few orders more, so that what was done has met some. */
const someOrders = async ({ load }: System, count = 5): Promise<void> => {
  const enough = load.orderIds.length + count
  await eventually(() => load.orderIds.length >= enough, { timeoutMs: 60_000 })
}

/** A few orders more, and each event that there is then has been tried to publish. */
async function handedOver(system: System): Promise<void> {
  await someOrders(system, 10)
  await eventually(() => allTried(system.orders.db))
  await eventually(() => allTried(system.payments.db))
}

async function allTried<Tables>(db: Kysely<Tables>): Promise<boolean> {
  const { rows } = await sql`
    SELECT FROM outbox WHERE publish_attempts = 0 AND created_at < now() - interval '300 ms'
  `.execute(db)
  return rows.length === 0
}

/** An order has gone all the way; a mutant may keep it from that, so not for ever. */
const everybodyThere = ({ load }: System) =>
  eventually(() => load.unreceived < load.orderIds.length, { timeoutMs: 60_000 }).catch(() => {})

/** An event that is written from now on has been confirmed by the broker. */
async function onePublished<Tables>(db: Kysely<Tables>): Promise<void> {
  const { rows: now } = await sql<{ at: Date }>`SELECT now() AS at`.execute(db)
  const published = sql`
    SELECT FROM outbox WHERE created_at >= ${now[0]?.at} AND published_at IS NOT NULL LIMIT 1`
  await eventually(async () => (await published.execute(db)).rows.length > 0)
}

/**
 * What is in the queue of a process that is not there is gone, as with the disk of the broker.
 * Among it is an event that the process has never had: what comes back when it dies may all be
 * handled.
 */
const wipe = (name: 'payments-consumer' | 'orders-consumer'): Scenario => ({
  env: { PAYMENT_REQUEST_TIMEOUT_MS: '2000' },
  run: async (system, runner) => {
    const { orders, payments, broker } = system
    await runner.endInstance(name)
    await (name === 'payments-consumer' ? onePublished(orders.db) : onePublished(payments.db))
    await broker.channel().purgeQueue(name)
    runner.keepAlive(name)
  },
})

/** Short runs of the whole system, each with the faults that one kind of protection is for. */
export const scenarios = {
  'everything, in peace': {
    run: async (system) => {
      for (const process of ['payments-consumer', 'orders-consumer'] as const) {
        for (const name of ['nonsense', 'contradiction', 'again'] as const) {
          await someOrders(system)
          await injectionsByName[name](system, process)
        }
      }
    },
  },
  'relay dies before it publishes': crash('orders-relay', 'before', 'publish payment.requested'),
  'queues unbound': {
    run: async (system) => {
      const meanwhile = () => handedOver(system)
      await injectionsByName.unbound(system, meanwhile)
    },
  },
  'payments-consumer dies before it commits': crash(
    'payments-consumer',
    'before',
    'insertEntries',
    'insertEvents',
  ),
  'orders-consumer dies before it commits': crash(
    'orders-consumer',
    'before',
    'setStatuses',
    'notify order_status',
  ),
  'payments-consumer dies before its dead letter': crash(
    'payments-consumer',
    'before',
    'publish payments-consumer.dlq',
  ),
  'payments-consumer dies before it acknowledges, no fence in the ledger': {
    run: async (system, runner) => {
      await sql`ALTER TABLE ledger DROP CONSTRAINT ledger_one_decision_per_order`.execute(
        system.payments.db,
      )
      await crash('payments-consumer', 'before', 'ack', 'ack').run(system, runner)
    },
  },
  'payments-consumer dies 25 times': crash(
    'payments-consumer',
    'before',
    ...Array.from({ length: 25 }, () => 'redelivery of payment.requested'),
  ),
  'orders-api dies before it commits': crash(
    'orders-api',
    'after',
    'insertResponses',
    'insertResponses',
  ),
  'orders-api dies before it answers': crash('orders-api', 'before', 'answer POST /orders 201'),
  'orders-api dies before it pushes': crash('orders-api', 'before', 'push PAID', 'push PAID'),
  'LISTEN cut again and again': {
    run: (system) =>
      times(10, async () => {
        await injectionsByName.listenCut(system)
        await someOrders(system, 3)
      }),
  },
  'orders-consumer dies while it retries requests': {
    env: { PAYMENT_REQUEST_TIMEOUT_MS: '500' },
    run: async (system, runner) => {
      await loseFirstRequests(system)
      await crash('orders-consumer', 'before', 'insertEvents').run(system, runner)
    },
  },
  'requests wiped from the broker': wipe('payments-consumer'),
  'replies wiped from the broker': wipe('orders-consumer'),
} satisfies Record<string, Scenario>

export type ScenarioName = keyof typeof scenarios

/** Runs a scenario on a system of its own, and judges it. `env` may name a mutant. */
export async function runScenario(
  name: ScenarioName,
  env: NodeJS.ProcessEnv,
  settleMs: number,
): Promise<Verdict> {
  const scenario: Scenario = scenarios[name]
  const system = await openSystem({ ...scenario.env, ...env })
  const runner = new CellRunner(system)
  try {
    for (const process of processNames) runner.startInstance(process, [])
    system.load.start()
    await everybodyThere(system)
    const hindered = await hindrance(scenario.run(system, runner))
    const verdict = await concludeSystem(system, runner.instances, settleMs)
    return { ...verdict, faults: [...verdict.faults, ...hindered] }
  } finally {
    system.load.close()
    await runner.killAll()
    await system.close()
  }
}

/** Why it could not be done, with a mutant about: a fault by itself. */
const hindrance = (work: Promise<unknown>): Promise<string[]> =>
  work.then(
    () => [],
    (error: Error) => [`it could not be done: ${error.message}`],
  )
