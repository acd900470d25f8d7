import assert from 'node:assert/strict'
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { randomUUIDv7 } from 'node:crypto'
import { once } from 'node:events'
import { sql } from 'kysely'
import { queues } from '#contracts/topology.ts'
import { declareTopology } from '#messaging/broker/topology.ts'
import { appendEvents } from '#messaging/outbox/append.ts'
import { claimEvents } from '#messaging/outbox/rows.ts'
import { useBroker } from '#testing/broker.ts'
import { useDatabase } from '#testing/database.ts'
import { eventIdsOf } from '#testing/event-ids.ts'
import { eventually } from '#testing/eventually.ts'

/** Instead of the 10 s of connect.ts, which a parameter of the URL overrides. */
const idleInTransactionMs = 2_500
const batch = 20
const patience = { timeoutMs: 30_000 }

/**
 * Where a relay is caught: it waits for a lock of the test, is frozen, and then the lock goes.
 * ACCESS EXCLUSIVE holds up its claim, so that nothing is published yet; SHARE lets it claim and
 * publish, and holds up its mark, so that only the commit is missing. `done` events are then
 * claimed and published.
 */
const moments = {
  'between its claim and its publishing': { lock: 'ACCESS EXCLUSIVE', done: 0 },
  'between its publishing and its commit': { lock: 'SHARE', done: batch },
}

describe('orders-relay, frozen', function () {
  this.timeout(120_000)
  const database = useDatabase('orders')
  const broker = useBroker()
  const { queue } = queues.paymentsConsumer
  const relays: ChildProcessWithoutNullStreams[] = []

  beforeEach('begin with an empty outbox and an empty queue', async () => {
    const topology = { queues: [queues.paymentsConsumer] }
    await declareTopology({ name: 'test', url: broker.url, topology })
    await broker.channel().purgeQueue(queue)
    await database.rows(sql`TRUNCATE outbox`)
  })

  afterEach('stop the relays', async () => {
    await Promise.all(relays.splice(0).map(stop))
  })

  /** Its connections have its name in pg_stat_activity; `said` is its log so far. */
  function startRelay(name: string) {
    const url = new URL(database.url)
    url.searchParams.set('application_name', name)
    url.searchParams.set('idle_in_transaction_session_timeout', String(idleInTransactionMs))
    const child = spawn(process.execPath, ['orders-relay/main.ts'], {
      env: {
        PATH: process.env.PATH,
        PORT: '0',
        RELAY_IDLE_MS: '50',
        RELAY_EVENTS_PER_MESSAGE: '1', // the depth of a queue counts messages
        ORDERS_DATABASE_URL: url.href,
        AMQP_URL: broker.url,
      },
    })
    relays.push(child)
    let output = ''
    child.stdout.on('data', (chunk) => {
      output += chunk
    })
    return { child, said: () => output }
  }

  async function stop(child: ChildProcessWithoutNullStreams) {
    if (child.exitCode !== null || child.signalCode !== null) return
    const exited = once(child, 'exit')
    child.kill('SIGCONT')
    child.kill('SIGTERM')
    await exited
  }

  async function append(count: number): Promise<string[]> {
    const ids = Array.from({ length: count }, () => randomUUIDv7())
    const events = ids.map((id) => ({ id, type: 'PaymentRequested' }))
    await database.db.transaction().execute((trx) => appendEvents(trx, events))
    return ids.sort()
  }

  /** Sessions of a relay in a state, such as `idle in transaction`, or waiting for a lock. */
  async function sessions(name: string, condition: { state?: string; waits?: true }) {
    const rows = await database.rows(sql<{ state: string; wait_event_type: string | null }>`
      SELECT state, wait_event_type FROM pg_stat_activity
      WHERE datname = current_database() AND application_name = ${name}`)
    return rows.filter(({ state, wait_event_type }) =>
      condition.waits ? wait_event_type === 'Lock' : state === condition.state,
    ).length
  }

  const marks = () =>
    database.rows(sql<{ event_id: string; published_at: Date | null; publish_attempts: number }>`
      SELECT event_id, published_at, publish_attempts FROM outbox ORDER BY event_id`)
  const isDrained = async () => (await marks()).every(({ published_at }) => published_at)
  const publishedIds = async () => (await broker.drain(queue)).flatMap(eventIdsOf).sort()

  /**
   * Returns with the relay frozen, nothing in its way any more, and how many events another one
   * could have claimed while it was held up.
   */
  async function freezeAt(lock: string) {
    return database.db.transaction().execute(async (trx) => {
      await sql`LOCK TABLE outbox IN ${sql.raw(lock)} MODE`.execute(trx)
      const frozen = startRelay('frozen')
      await eventually(() => sessions('frozen', { waits: true }), patience)
      frozen.child.kill('SIGSTOP')
      return { frozen, free: (await claimEvents(trx, batch)).length }
    })
  }

  for (const [moment, { lock, done }] of Object.entries(moments)) {
    it(`${moment}, loses its claim to another one, and goes on when it wakes`, async () => {
      const ids = await append(batch)
      const { frozen, free } = await freezeAt(lock)
      assert.equal(free, batch - done)
      await eventually(() => sessions('frozen', { state: 'idle in transaction' }))
      assert.equal(await broker.depth(queue), done)

      const other = startRelay('other')
      await eventually(isDrained, patience)
      assert.equal(await sessions('frozen', { state: 'idle in transaction' }), 0)
      const marked = await marks()
      assert.ok(marked.every(({ publish_attempts }) => publish_attempts === 1))

      const saidBefore = frozen.said().length
      frozen.child.kill('SIGCONT')
      await eventually(() => frozen.said().slice(saidBefore).includes('relaying failed'), patience)
      assert.deepEqual(await marks(), marked, 'the late commit changed something')
      await expectEachOnceOrTwice(ids)

      await stop(other.child)
      const more = await append(3)
      await eventually(isDrained, patience)
      assert.deepEqual(await publishedIds(), more)
    })
  }

  /** Twice, unless the broker had hung up on the frozen relay before it could publish. */
  async function expectEachOnceOrTwice(ids: string[]) {
    const published = await publishedIds()
    assert.deepEqual([...new Set(published)], ids)
    assert.ok(published.length <= 2 * ids.length)
  }
})
