import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { minorOf } from '#contracts/money.ts'
import { queues } from '#contracts/topology.ts'
import { processNames } from '#local/stack/ports.ts'
import type { Finding } from '#operator/reconcile/findings.ts'
import { call } from '#testing/client.ts'
import { eventually } from '#testing/eventually.ts'
import type { Instance } from '../crash/fleet.ts'
import { users } from '../crash/load.ts'
import { judgeSettled, openSystem, type System } from '../crash/system.ts'
import { owedEvents, pendingOrders, readFinalState } from '../judge/read-final-state.ts'
import { type Dump, dump, restore } from './dump.ts'
import { afterOrdersRestored, afterPaymentsRestored, type Expected } from './expected.ts'

const settleMs = 120_000

/** The drill of docs/runbook.md: one database goes back to an earlier time, the other one stays. */
describe('a database that is restored to an earlier time', function () {
  this.timeout(300_000)
  let system: System
  let running: Instance[] = []
  beforeEach('start a system', async () => {
    system = await openSystem()
    start()
    system.load.start()
    await orders(60)
  })
  afterEach('stop the system', async () => {
    await system.load.stop(1_000)
    system.load.close()
    await stop()
    await system.close()
  })

  const start = () => {
    running = processNames.map((name) => system.fleet.start(name))
  }
  async function stop() {
    for (const instance of running) instance.signal('SIGTERM')
    await Promise.all(running.map(({ ended }) => ended))
  }
  async function orders(count: number) {
    const until = system.load.orderIds.length + count
    await eventually(() => system.load.orderIds.length >= until, { timeoutMs: settleMs })
  }
  const databases = () => ({ orders: system.orders.db, payments: system.payments.db })
  const read = () => readFinalState(databases(), { owed: {}, deadLetters: [] })

  /** Dumps both databases under load, goes on, and stops everything when all is settled. */
  async function disaster(restored: 'orders' | 'payments') {
    const paid = (await read()).orders.find(
      ({ status, user_id }) => status === 'PAID' && user_id === users.rich,
    )
    assert.ok(paid)
    const consumer = running.find(({ name }) => name === 'payments-consumer') as Instance
    consumer.signal('SIGSTOP') // some orders are pending in the dump
    await orders(5)
    const dumps: Record<'orders' | 'payments', Dump> = {
      orders: await dump(system.orders.db),
      payments: await dump(system.payments.db),
    }
    consumer.signal('SIGCONT')
    const amountMinor = minorOf(paid.amount)
    await system.clients.refund({ orderId: paid.order_id, userId: paid.user_id, amountMinor })
    await orders(60)
    assert.deepEqual((await judgeSettled(system, settleMs)).faults, [])
    await stop()
    const now = await read()
    await restore(databases()[restored] as typeof system.orders.db, dumps[restored])
    return { now, earlier: await read() }
  }

  async function reconcile(...more: string[]) {
    const args = ['operator/main.ts', 'reconcile', '--older-than', '0ms', '--json', ...more]
    const urls = {
      AMQP_URL: system.broker.url,
      ORDERS_DATABASE_URL: system.orders.url,
      PAYMENTS_DATABASE_URL: system.payments.url,
    }
    const child = spawn(process.execPath, args, {
      env: { ...process.env, ...urls },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [out] = await Promise.all([text(child.stdout), once(child, 'close')])
    return JSON.parse(out) as { findings: Finding[]; repaired?: { requested_again: string[] } }
  }

  const found = async () =>
    (await reconcile()).findings.map(({ kind, order_id }) => [kind, order_id] as Expected)
  /** Nothing is on its way: no order, no event, no message. */
  async function isSettled() {
    const owed = Object.values(await owedEvents(databases()))
    for (const { queue } of Object.values(queues)) owed.push(await system.broker.depth(queue))
    return (await pendingOrders(databases())) === 0 && owed.every((count) => count === 0)
  }
  const sorted = (findings: Expected[]) => findings.map(String).sort()
  const ofKind = (findings: Expected[], ...kinds: string[]) =>
    findings.filter(([kind]) => kinds.includes(kind))

  it('if it is Orders: reconcile lists exactly what disagrees; --repair and refunds that are asked for again settle it, but for orders that are gone', async () => {
    const { now, earlier } = await disaster('orders')
    const expected = afterOrdersRestored(earlier.orders, now.orders, now.ledger)
    assert.deepEqual(sorted(await found()), sorted(expected))
    const gone = ofKind(expected, 'debit-without-order', 'refund-without-order')
    assert.ok(gone.length >= 60, `${gone.length} orders are gone`)
    assert.ok(ofKind(expected, 'pending-too-long').length >= 5)
    assert.ok(ofKind(expected, 'status-disagrees').length >= 1)

    start()
    const pending = ofKind(expected, 'pending-too-long').map(([, id]) => id)
    const { repaired } = await reconcile('--repair')
    assert.deepEqual(repaired?.requested_again.sort(), pending.sort())
    await eventually(isSettled, { timeoutMs: settleMs })
    for (const [, id] of ofKind(await found(), 'status-disagrees')) {
      const api = system.fleet.address('orders-api')
      await eventually(
        async () => (await call(api, 'POST', `/orders/${id}/refund`, {})).status === 200,
      )
    }
    await eventually(isSettled, { timeoutMs: settleMs })
    assert.deepEqual(sorted(await found()), sorted(gone))
  })

  it('if it is Payments: reconcile lists exactly what disagrees, which people have to decide, and --repair changes nothing of it', async () => {
    const { now, earlier } = await disaster('payments')
    const expected = afterPaymentsRestored(earlier.ledger, now.orders)
    assert.ok(expected.length >= 60, `${expected.length} orders disagree`)
    assert.deepEqual(sorted(await found()), sorted(expected))

    start()
    assert.deepEqual((await reconcile('--repair')).repaired?.requested_again, [])
    await eventually(isSettled, { timeoutMs: settleMs })
    assert.deepEqual(sorted(await found()), sorted(expected))
  })
})
