import { appendFileSync, existsSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { processNames } from '#local/stack/ports.ts'
import { removeState } from '#local/stack/remove-state.ts'
import type { OrdersDatabase } from '#tables/orders.ts'
import type { PaymentsDatabase } from '#tables/payments.ts'
import { openVhost, type TestBroker } from '#testing/broker.ts'
import { openDatabase, type TestDatabase } from '#testing/database.ts'
import { eventually } from '#testing/eventually.ts'
import { Clients } from '../judge/clients.ts'
import { History } from '../judge/history.ts'
import { owedEvents, pendingOrders, readFinalState } from '../judge/read-final-state.ts'
import { type Verdict, verdictOf } from '../judge/verdict.ts'
import { type Fleet, type Instance, openFleet } from './fleet.ts'
import { halfRetries } from './half-retries.ts'
import { Load } from './load.ts'

/** Everything that a crash needs: servers, processes, clients, and their history. */
export interface System {
  orders: TestDatabase<OrdersDatabase>
  payments: TestDatabase<PaymentsDatabase>
  broker: TestBroker
  fleet: Fleet
  history: History
  clients: Clients
  load: Load
  /** Logs, and what clients saw; gone when it is closed. */
  dir: string
  close: () => Promise<void>
}

const queues = ['payments-consumer', 'orders-consumer']

/** A database pair and a virtual host of its own, on the servers of the tests; nothing runs yet. */
export async function openSystem(env: NodeJS.ProcessEnv = {}): Promise<System> {
  const dir = mkdtempSync(join(tmpdir(), 'orders-payments-crash-'))
  const [orders, payments, vhost] = await Promise.all([
    openDatabase('orders'),
    openDatabase('payments'),
    openVhost({ areClientsKilled: true }),
  ])
  const urls = {
    amqp: vhost.broker.url,
    management: '',
    ordersDatabase: orders.database.url,
    paymentsDatabase: payments.database.url,
  }
  const fleet = await openFleet(dir, urls, { ...fast(dir), ...env })
  const historyFile = join(dir, 'history.jsonl')
  const history = new History((line) => {
    if (existsSync(dir)) appendFileSync(historyFile, `${JSON.stringify(line)}\n`)
  })
  const doors = { orders: fleet.address('orders-api'), payments: fleet.address('payments-api') }
  const clients = new Clients(history, doors)
  const load = new Load(history, clients, doors)
  return {
    ...{ orders: orders.database, payments: payments.database, broker: vhost.broker },
    ...{ fleet, history, clients, load, dir },
    close: async () => {
      await Promise.all([orders.close(), payments.close(), vhost.close()])
      await removeState(dir)
    },
  }
}

/**
 * A process lives shortly here: it should not spend half of it compiling, nor wait long between two
 * polls. Two events share a message, so that every fault meets such messages.
 */
const fast = (dir: string) => ({
  NODE_COMPILE_CACHE: join(dir, 'compiled'),
  PAYMENT_REQUEST_TIMEOUT_MS: '0',
  RELAY_IDLE_MS: '100',
  RELAY_EVENTS_PER_MESSAGE: '2',
})

/**
 * Lets everything come to an end with nothing killed any more, stops the processes as an operator
 * does, and judges what is left.
 */
export async function concludeSystem(
  system: System,
  instances: Map<string, Instance>,
  settleMs = 240_000,
): Promise<Verdict> {
  const { load } = system
  startAll(system, instances)
  await load.stop(settleMs)
  const settled = async () => {
    await redriveCrashLoops(system)
    return isSettled(system)
  }
  await eventually(settled, { timeoutMs: settleMs, everyMs: 200 }).catch(() => {})
  load.close()
  const unclean = await stopAll([...instances.values()])
  for (let round = 0; round < 3 && (await waiting(system)) > 0; round++) {
    startAll(system, instances)
    await eventually(settled, { timeoutMs: 30_000, everyMs: 200 }).catch(() => {})
    unclean.push(...(await stopAll([...instances.values()])))
  }
  const verdict = verdictOf(system.history, await readSystem(system))
  return {
    ...verdict,
    faults: [...verdict.faults, ...unclean, ...(await halfRetries(system.orders))],
  }
}

function startAll({ fleet }: System, instances: Map<string, Instance>): void {
  for (const name of processNames) {
    if (instances.get(name)?.end()) instances.set(name, fleet.start(name))
  }
}

/** What a process has given back when it was told to stop: somebody has to do it after all. */
async function waiting({ broker }: System): Promise<number> {
  const depths = await Promise.all(queues.map((queue) => broker.depth(queue)))
  return depths.reduce((sum, depth) => sum + depth, 0)
}

/** What is judged of a system, whoever starts and stops its processes. */
export interface Judged {
  orders: Pick<TestDatabase<OrdersDatabase>, 'db'>
  payments: Pick<TestDatabase<PaymentsDatabase>, 'db'>
  broker: TestBroker
  history: History
  load: Load
}

/** Ends the load, waits until everything has come to its end, and judges; processes go on. */
export async function judgeSettled(system: Judged, settleMs: number): Promise<Verdict> {
  await system.load.stop(settleMs)
  const settled = () => isSettled(system)
  await eventually(settled, { timeoutMs: settleMs, everyMs: 200 }).catch(() => {})
  system.load.close()
  return verdictOf(system.history, await readSystem(system))
}

async function isSettled(system: Judged): Promise<boolean> {
  const databases = { orders: system.orders.db, payments: system.payments.db }
  if (system.load.unreceived > 0 || (await pendingOrders(databases)) > 0) return false
  const owed = [...Object.values(await owedEvents(databases))]
  for (const queue of queues) owed.push(await system.broker.depth(queue))
  if (owed.some((count) => count > 0)) return false
  const letters = await Promise.all(queues.map((queue) => system.broker.depth(`${queue}.dlq`)))
  const meant = new Set(system.history.injected.map(({ messageId }) => messageId))
  return letters.reduce((sum, count) => sum + count, 0) >= meant.size
}

/**
 * A message whose consumer was killed three times while handling it is set aside as its killer,
 * which it was not here: so it is sent again, as an operator does, and counted.
 */
async function redriveCrashLoops({ broker, history }: Judged): Promise<void> {
  for (const queue of queues) {
    const letters = await broker.drain(`${queue}.dlq`)
    for (const { content, properties } of letters) {
      const isCrashLoop = properties.headers?.['dead-letter-reason'] === 'consumer-crashed'
      const { messageId, headers } = properties
      if (isCrashLoop) history.redrive(messageId)
      const routingKey = isCrashLoop ? queue : `${queue}.dlq`
      await broker.publish({ routingKey }, content, { messageId, headers })
    }
  }
}

/** Names whoever did not end with 0 when told to. */
async function stopAll(instances: Instance[]): Promise<string[]> {
  for (const instance of instances) instance.signal('SIGTERM')
  await Promise.all(instances.map(({ ended }) => ended))
  return instances.flatMap((instance) => {
    const end = instance.end()
    return end?.code === 0
      ? []
      : [`${instance.name} ended with ${end?.code ?? end?.signal} when told to stop`]
  })
}

/** With nobody connected any more, all that was in somebody's hands is back in its queue. */
async function readSystem({ orders, payments, broker }: Judged) {
  const owed: Record<string, number> = {}
  const deadLetters: { queue: string; messageId: string; reason: string }[] = []
  for (const queue of queues) {
    owed[`queue ${queue}`] = (await broker.drain(queue)).length
    for (const { properties } of await broker.drain(`${queue}.dlq`)) {
      const reason = String(properties.headers?.['dead-letter-reason'] ?? 'by the broker')
      deadLetters.push({ queue, messageId: properties.messageId, reason })
    }
  }
  return readFinalState({ orders: orders.db, payments: payments.db }, { owed, deadLetters })
}
