import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUIDv7 } from 'node:crypto'
import { once } from 'node:events'
import { sql } from 'kysely'
import { createEvent } from '#contracts/events.ts'
import { queues, routes } from '#contracts/topology.ts'
import { declareTopology } from '#messaging/broker/topology.ts'
import { useBroker } from '#testing/broker.ts'
import { useDatabase } from '#testing/database.ts'
import { eventually, eventuallyPasses } from '#testing/eventually.ts'

const { queue } = queues.paymentsConsumer
/** What is promised to everybody else, however many orders wait for the lock, and however long. */
const promise = { timeoutMs: 1_000, everyMs: 10 }
const patience = { timeoutMs: 60_000 }

describe('payments-consumer, while somebody holds the row of an account', function () {
  this.timeout(120_000)
  const database = useDatabase('payments')
  const broker = useBroker()
  const consumers: ChildProcess[] = []

  beforeEach('three accounts, and an empty queue', async () => {
    await declareTopology({
      name: 'test',
      url: broker.url,
      topology: { queues: [queues.paymentsConsumer] },
    })
    await database.rows(sql`TRUNCATE accounts, inbox, outbox, attempts, deferred_events`)
    await database.rows(sql`ALTER TABLE ledger DISABLE TRIGGER ledger_append_only`)
    await database.rows(sql`TRUNCATE ledger`)
    await database.rows(sql`ALTER TABLE ledger ENABLE TRIGGER ledger_append_only`)
    await database.rows(sql`
      INSERT INTO accounts (user_id, balance) VALUES ('locked', 100000), ('held', 100000), ('free', 100000)`)
  })

  afterEach('stop the consumers', async () => {
    for (const child of consumers.splice(0)) await end(child, 'SIGTERM')
    await broker.channel().purgeQueue(queue)
  })

  async function start(count: number) {
    const env = { PATH: process.env.PATH, PORT: '0', PAYMENTS_DATABASE_URL: database.url }
    for (let number = 0; number < count; number++) {
      const command = ['payments-consumer/main.ts']
      consumers.push(
        spawn(process.execPath, command, {
          stdio: 'ignore',
          env: { ...env, AMQP_URL: broker.url },
        }),
      )
    }
    await eventually(async () => (await broker.consumers(queue)) === count)
  }
  async function end(child: ChildProcess, signal: NodeJS.Signals) {
    const ended = once(child, 'exit')
    child.kill(signal)
    await ended
  }

  const order = async (user: string) => {
    const data = { order_id: randomUUIDv7(), user_id: user, amount: '1.00' }
    const event = createEvent(
      { type: 'PaymentRequested', data },
      { id: randomUUIDv7(), time: new Date() },
    )
    await broker.publish(routes.PaymentRequested, event, { messageId: event.id, type: event.type })
    return data.order_id
  }
  const orders = (user: string, count: number) =>
    Promise.all(Array.from({ length: count }, () => order(user)))
  const decided = async (user: string) => {
    const rows = await database.rows(sql<{ order_id: string }>`
      SELECT order_id FROM ledger WHERE user_id = ${user} AND status = 'SUCCESS' ORDER BY order_id`)
    return rows.map(({ order_id }) => order_id)
  }
  const isDecidedInTime = async (user: string) => {
    const id = await order(user)
    await eventually(async () => (await decided(user)).includes(id), promise)
  }
  const deferred = async () => (await database.rows(sql`SELECT FROM deferred_events`)).length

  /** A session of psql in which nobody has typed COMMIT yet. */
  async function hold(...users: string[]) {
    const trx = await database.db.startTransaction().execute()
    await sql`SET LOCAL idle_in_transaction_session_timeout = 0`.execute(trx)
    await sql`SELECT FROM accounts WHERE user_id = ANY (${users}::text[]) FOR UPDATE`.execute(trx)
    return () => trx.rollback().execute()
  }
  const allIsWell = () =>
    eventuallyPasses(async () => {
      assert.equal(await deferred(), 0)
      assert.equal(await broker.depth(queue), 0)
      assert.deepEqual(await database.rows(sql`SELECT FROM attempts`), [])
      assert.equal(await broker.depth(`${queue}.dlq`), 0)
    }, patience)

  it('charges all others within a second, beside 900 orders, and those when it is free', async () => {
    await start(1)
    const release = await hold('locked', 'held')
    const waiting = await orders('locked', 900)
    await isDecidedInTime('free')
    waiting.push(...(await orders('locked', 100)))
    const others = await orders('held', 100)
    await isDecidedInTime('free')
    await eventually(async () => (await deferred()) === 1_100, patience)
    await isDecidedInTime('free')
    assert.deepEqual([await decided('locked'), await decided('held')], [[], []])
    await release()
    await eventuallyPasses(
      async () => assert.deepEqual(await decided('locked'), waiting.sort()),
      patience,
    )
    await eventuallyPasses(
      async () => assert.deepEqual(await decided('held'), others.sort()),
      patience,
    )
    await allIsWell()
  })

  it('does so with two replicas, of which one is killed and started again meanwhile', async () => {
    await start(2)
    const release = await hold('locked')
    const waiting = await orders('locked', 300)
    await end(consumers.shift() as ChildProcess, 'SIGKILL')
    waiting.push(...(await orders('locked', 300)))
    await start(2)
    await eventually(async () => (await deferred()) >= 600, patience)
    await isDecidedInTime('free')
    const [dying] = consumers
    await release()
    await eventually(async () => (await decided('locked')).length > 0, { ...patience, everyMs: 1 })
    await end(dying as ChildProcess, 'SIGKILL')
    consumers.shift()
    await eventuallyPasses(
      async () => assert.deepEqual(await decided('locked'), waiting.sort()),
      patience,
    )
    await allIsWell()
  })

  it('refuses an order of somebody without an account, who has no row to wait for', async () => {
    await start(1)
    const release = await hold('locked')
    await orders('locked', 10)
    await orders('nobody', 10)
    await eventuallyPasses(async () => {
      const rows = await database.rows(sql`SELECT FROM ledger WHERE reason = 'ACCOUNT_NOT_FOUND'`)
      assert.equal(rows.length, 10)
    }, promise)
    await release()
    await allIsWell()
  })
})
