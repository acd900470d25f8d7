import assert from 'node:assert/strict'
import { randomUUIDv7 } from 'node:crypto'
import { sql } from 'kysely'
import { connectDatabase } from '#chassis/database/connect.ts'
import { orderStatusChannel } from '#contracts/order-status.ts'
import { notify } from '#messaging/notifications/notify.ts'
import { Principal } from '#principal/principal.ts'
import type { OrdersDatabase } from '#tables/orders.ts'
import { useDatabase } from '#testing/database.ts'
import { eventually } from '#testing/eventually.ts'
import { recordingLogger, silent } from '#testing/logger.ts'
import { proxyTo } from '#testing/proxy.ts'
import { useResources } from '#testing/resources.ts'
import { acceptRefund } from '../accept-refund.ts'
import { StatusFeed, type StatusFeedOptions } from './status-feed.ts'
import type { Subscriber, Target } from './subscriber.ts'

const toOrder = (id: string): Target => ({ kind: 'order', id })
const toUser = (id: string): Target => ({ kind: 'user', id })

/** Keeps what is pushed to it. */
class Recorder implements Subscriber {
  readonly principal = Principal.unrestricted
  readonly pushed: string[] = []
  readonly unknown: string[] = []
  isDisconnected = false

  readonly push: Subscriber['push'] = ({ order_id, status }) =>
    void this.pushed.push(`${order_id} ${status}`)
  readonly pushUnknown = (orderId: string) => void this.unknown.push(orderId)
  readonly drained = async () => {}
  readonly disconnect = () => {
    this.isDisconnected = true
  }
}

describe('StatusFeed', function () {
  this.timeout(120_000)
  const database = useDatabase('orders')
  const use = useResources()

  const start = (options: Partial<StatusFeedOptions> & { dbUrl?: string } = {}) => {
    const { dbUrl = database.url } = options
    const name = 'orders-api'
    const db = use(connectDatabase<OrdersDatabase>({ name, url: dbUrl, poolSize: 5 }))
    return use(
      new StatusFeed({ name, db, url: database.url, logger: silent, limit: 100, ...options }),
    )
  }
  const placeOrder = async (userId: string) => {
    const order_id = randomUUIDv7()
    await database.rows(sql`
      INSERT INTO orders (order_id, user_id, amount) VALUES (${order_id}, ${userId}, 1)
    `)
    return order_id
  }
  const pay = async (orderId: string) => {
    await database.rows(sql`
      UPDATE orders SET status = 'PAID', updated_at = now() WHERE order_id = ${orderId}
    `)
    await notify(database.db, orderStatusChannel, [orderId])
  }
  const pending = (orderId: string) => `${orderId} PAYMENT_PENDING`
  const paid = (orderId: string) => `${orderId} PAID`

  it('leaves connections to others while many subscribe at once, and serves all of them', async () => {
    const orderId = await placeOrder('everybody')
    const { url } = database
    const db = use(connectDatabase<OrdersDatabase>({ name: 'api', url, poolSize: 10 }))
    const feed = use(new StatusFeed({ name: 'api', db, url, logger: silent, limit: 100 }))
    const subscribers = Array.from({ length: 200 }, () => new Recorder())
    const subscribing = database.db.transaction().execute(async (trx) => {
      await sql`LOCK TABLE orders IN ACCESS EXCLUSIVE MODE`.execute(trx)
      const all = subscribers.map((one, index) =>
        feed.subscribe(one, index % 2 === 0 ? toOrder(orderId) : toUser('everybody')),
      )
      await eventually(async () => (await database.waitingForLocks()) > 0)
      assert.ok(db.poolUse().used < 10, `${db.poolUse().used} connections are used`)
      assert.equal(db.poolUse().waiting, 0)
      return { all }
    })
    await Promise.all((await subscribing).all)
    for (const { pushed } of subscribers) {
      assert.deepEqual([...new Set(pushed)], [pending(orderId)])
    }
  })

  it('keeps a subscription whose order cannot be read, and serves it when the database is back', async () => {
    const ofUser = await placeOrder('alice')
    const ofNobody = await placeOrder('bob')
    const unknown = randomUUIDv7()
    const { logger, said } = recordingLogger()
    const feed = start({ logger, limit: 4 })
    await eventually(() => feed.isListening())
    await database.refuseConnections()
    const subscriber = new Recorder()
    assert.equal(await feed.subscribe(subscriber, toUser('alice')), 'ok')
    assert.equal(await feed.subscribe(subscriber, toOrder(ofNobody)), 'ok')
    assert.equal(await feed.subscribe(subscriber, toOrder(unknown)), 'ok')
    assert.equal(await feed.subscribe(subscriber, toOrder(randomUUIDv7())), 'ok')
    assert.equal(await feed.subscribe(subscriber, toUser('one too many')), 'too-many')
    assert.deepEqual([subscriber.pushed, subscriber.unknown], [[], []])
    assert.equal(said.filter((line) => line.startsWith('orders cannot be read')).length, 1)
    await database.acceptConnections()
    await eventually(() => subscriber.pushed.length === 2 && subscriber.unknown.length === 2)
    assert.deepEqual(subscriber.pushed.toSorted(), [pending(ofUser), pending(ofNobody)].toSorted())
    assert.ok(subscriber.unknown.includes(unknown))
    assert.equal(await feed.subscribe(subscriber, toUser('no one too many')), 'ok')
    await pay(ofUser)
    await eventually(() => subscriber.pushed.includes(paid(ofUser)))
  })

  it('tells who follows a user that a refund is accepted, and how it ends, also while nobody listened', async () => {
    const orderId = await placeOrder('rita')
    const feed = start()
    await eventually(() => feed.isListening())
    const subscriber = new Recorder()
    await feed.subscribe(subscriber, toUser('rita'))
    await pay(orderId)
    const refunding = `${orderId} REFUND_PENDING`
    await eventually(() => subscriber.pushed.at(-1) === paid(orderId))
    await database.db
      .transaction()
      .execute((trx) => acceptRefund(Principal.unrestricted, trx, orderId))
    await eventually(() => subscriber.pushed.at(-1) === refunding)
    await database.rows(sql`
      SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE datname = current_database() AND application_name LIKE '% listen'`)
    await eventually(() => !feed.isListening())
    const end = sql`
      UPDATE orders SET status = 'REFUNDED', updated_at = clock_timestamp() WHERE order_id = ${orderId}`
    await database.rows(end)
    const told = [pending(orderId), paid(orderId), refunding, `${orderId} REFUNDED`]
    await eventually(() => subscriber.pushed.at(-1) === told.at(-1))
    assert.deepEqual(subscriber.pushed, told)
  })

  it('reads a refund that was accepted while nobody listened', async () => {
    const orderId = await placeOrder('rosa')
    await pay(orderId)
    const feed = start()
    await eventually(() => feed.isListening())
    const subscriber = new Recorder()
    await feed.subscribe(subscriber, toUser('rosa'))
    await database.rows(sql`
      UPDATE orders SET status = 'REFUND_PENDING', updated_at = clock_timestamp()
      WHERE order_id = ${orderId}`)
    await database.rows(sql`
      SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE datname = current_database() AND application_name LIKE '% listen'`)
    await eventually(() => subscriber.pushed.length > 0)
    assert.deepEqual(subscriber.pushed, [`${orderId} REFUND_PENDING`])
  })

  it('serves nothing that was unsubscribed meanwhile, and what was subscribed again', async () => {
    const orders = [await placeOrder('carol'), await placeOrder('carol'), await placeOrder('carol')]
    const [dropped = '', again = '', kept = ''] = orders
    const feed = start()
    await database.refuseConnections()
    const subscriber = new Recorder()
    const closed = new Recorder()
    for (const orderId of orders) await feed.subscribe(subscriber, toOrder(orderId))
    await feed.subscribe(closed, toUser('carol'))
    feed.unsubscribe(subscriber, toOrder(dropped))
    feed.unsubscribe(subscriber, toOrder(again))
    await feed.subscribe(subscriber, toOrder(again))
    feed.remove(closed)
    await database.acceptConnections()
    await eventually(() => subscriber.pushed.length === 2)
    assert.deepEqual(subscriber.pushed.toSorted(), [pending(again), pending(kept)].toSorted())
    for (const orderId of orders) await pay(orderId)
    await eventually(() => subscriber.pushed.length === 4)
    assert.ok(!subscriber.pushed.some((status) => status.startsWith(dropped)))
    assert.deepEqual(closed.pushed, [])
  })

  it('pushes the end that came after a subscription and before it could be read', async () => {
    const [ended, other] = [await placeOrder('dora'), await placeOrder('dora')]
    const proxy = use(await proxyTo(database.url))
    const feed = start({ dbUrl: proxy.url })
    await eventually(() => feed.isListening())
    const restore = proxy.disturb({ silent: ['up', 'down'] })
    proxy.cut()
    const subscriber = new Recorder()
    const following = feed.subscribe(subscriber, toUser('dora'))
    await database.rows(sql`
      UPDATE orders SET status = 'PAID', updated_at = now() WHERE order_id = ${ended}
    `)
    await following
    await eventually(async () => {
      const [row] = await database.rows<{ old: boolean }>(sql`
        SELECT updated_at < clock_timestamp() - interval '3 s' AS old
        FROM orders WHERE order_id = ${ended}
      `)
      return row?.old // too long ago to be news to who subscribes now
    })
    restore()
    await eventually(() => subscriber.pushed.length === 1)
    await database.endConnections('orders-api listen')
    await eventually(() => subscriber.pushed.length === 2)
    assert.deepEqual(subscriber.pushed, [pending(other), paid(ended)])
  })

  it('pushes within seconds what nobody notifies, while notifications are dropped', async () => {
    const [ofUser, followed] = [await placeOrder('emma'), await placeOrder('fay')]
    const proxy = use(await proxyTo(database.url))
    const feed = start({ url: proxy.url })
    const subscriber = new Recorder()
    await eventually(() => feed.isListening())
    proxy.disturb({ dropsNotifications: true })
    await feed.subscribe(subscriber, toUser('emma'))
    await feed.subscribe(subscriber, toOrder(followed))
    await pay(ofUser)
    await pay(followed)
    await eventually(() => subscriber.pushed.length === 4, { timeoutMs: 15_000 })
    assert.ok(!feed.isListening())
    const later = await placeOrder('emma')
    await pay(later)
    await eventually(() => subscriber.pushed.includes(paid(later)), { timeoutMs: 15_000 })
    assert.equal(subscriber.pushed.length, 5)
  })

  it('pushes within seconds what nobody notifies, while no connection can listen', async () => {
    const orderId = await placeOrder('gina')
    const feed = start({ url: 'postgres://127.0.0.1:9/none' })
    const subscriber = new Recorder()
    await feed.subscribe(subscriber, toUser('gina'))
    await pay(orderId)
    await eventually(() => subscriber.pushed.includes(paid(orderId)), { timeoutMs: 15_000 })
    assert.ok(!feed.isListening())
  })

  it('disconnects subscribers for which nothing could be read for long, and is not ready', async () => {
    const feed = start({ maxSilenceMs: 300 })
    const [earlier, later] = [new Recorder(), new Recorder()]
    await feed.subscribe(earlier, toUser('alice'))
    assert.ok(feed.isReadable())
    await database.refuseConnections()
    await feed.subscribe(later, toUser('bob'))
    await eventually(() => earlier.isDisconnected && later.isDisconnected)
    assert.ok(!feed.isReadable())
    await database.acceptConnections()
    await eventually(() => feed.isReadable())
  })
})
