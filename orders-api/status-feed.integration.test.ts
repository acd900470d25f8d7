import assert from 'node:assert/strict'
import { randomUUIDv7 } from 'node:crypto'
import { sql } from 'kysely'
import { connectDatabase } from '#chassis/database/connect.ts'
import { notify } from '#chassis/database/notify.ts'
import { orderStatusChannel } from '#contracts/order-status.ts'
import type { OrdersDatabase } from '#tables/orders.ts'
import { useDatabase } from '#testing/database.ts'
import { eventually } from '#testing/eventually.ts'
import { recordingLogger, silent } from '#testing/logger.ts'
import { proxyTo } from '#testing/proxy.ts'
import { useResources } from '#testing/resources.ts'
import { StatusFeed, type StatusFeedOptions, type Watcher } from './status-feed.ts'

/** Keeps what it is told. */
class Recorder implements Watcher {
  readonly told: string[] = []
  readonly unknown: string[] = []
  hasGivenUp = false

  readonly send: Watcher['send'] = ({ order_id, status }) =>
    void this.told.push(`${order_id} ${status}`)
  readonly sendUnknown = (orderId: string) => void this.unknown.push(orderId)
  readonly drained = async () => {}
  readonly giveUp = () => {
    this.hasGivenUp = true
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

  it('keeps what cannot be read when it is subscribed to, and serves it when the database is back', async () => {
    const ofUser = await placeOrder('alice')
    const ofNobody = await placeOrder('bob')
    const unknown = randomUUIDv7()
    const { logger, said } = recordingLogger()
    const feed = start({ logger, limit: 4 })
    await eventually(() => feed.isListening())
    await database.goAway()
    const watcher = new Recorder()
    assert.equal(await feed.followUser(watcher, 'alice'), 'ok')
    assert.equal(await feed.followOrder(watcher, ofNobody), 'ok')
    assert.equal(await feed.followOrder(watcher, unknown), 'ok')
    assert.equal(await feed.followOrder(watcher, randomUUIDv7()), 'ok')
    assert.equal(await feed.followUser(watcher, 'one too many'), 'too-many')
    assert.deepEqual([watcher.told, watcher.unknown], [[], []])
    assert.equal(said.filter((line) => line.startsWith('orders cannot be read')).length, 1)
    await database.comeBack()
    await eventually(() => watcher.told.length === 2 && watcher.unknown.length === 2)
    assert.deepEqual(watcher.told.toSorted(), [pending(ofUser), pending(ofNobody)].toSorted())
    assert.ok(watcher.unknown.includes(unknown))
    assert.equal(await feed.followUser(watcher, 'no one too many'), 'ok')
    await pay(ofUser)
    await eventually(() => watcher.told.includes(paid(ofUser)))
  })

  it('serves nothing that was unsubscribed meanwhile, and what was asked for again', async () => {
    const orders = [await placeOrder('carol'), await placeOrder('carol'), await placeOrder('carol')]
    const [dropped = '', again = '', kept = ''] = orders
    const feed = start()
    await database.goAway()
    const watcher = new Recorder()
    const closed = new Recorder()
    for (const orderId of orders) await feed.followOrder(watcher, orderId)
    await feed.followUser(closed, 'carol')
    feed.unfollowOrder(watcher, dropped)
    feed.unfollowOrder(watcher, again)
    await feed.followOrder(watcher, again)
    feed.forget(closed)
    await database.comeBack()
    await eventually(() => watcher.told.length === 2)
    assert.deepEqual(watcher.told.toSorted(), [pending(again), pending(kept)].toSorted())
    for (const orderId of orders) await pay(orderId)
    await eventually(() => watcher.told.length === 4)
    assert.ok(!watcher.told.some((told) => told.startsWith(dropped)))
    assert.deepEqual(closed.told, [])
  })

  it('tells the end that came after a subscription and before it could be read', async () => {
    const [ended, other] = [await placeOrder('dora'), await placeOrder('dora')]
    const proxy = use(await proxyTo(database.url))
    const feed = start({ dbUrl: proxy.url })
    await eventually(() => feed.isListening())
    const heal = proxy.disturb({ silent: ['up', 'down'] })
    proxy.cut()
    const watcher = new Recorder()
    const following = feed.followUser(watcher, 'dora')
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
    heal()
    await eventually(() => watcher.told.length === 1)
    await database.endConnections('orders-api listen')
    await eventually(() => watcher.told.length === 2)
    assert.deepEqual(watcher.told, [pending(other), paid(ended)])
  })

  it('tells within seconds what nobody says, while notifications are dropped', async () => {
    const [ofUser, followed] = [await placeOrder('emma'), await placeOrder('fay')]
    const proxy = use(await proxyTo(database.url))
    const feed = start({ url: proxy.url })
    const watcher = new Recorder()
    await eventually(() => feed.isListening())
    proxy.disturb({ dropsNotifications: true })
    await feed.followUser(watcher, 'emma')
    await feed.followOrder(watcher, followed)
    await pay(ofUser)
    await pay(followed)
    await eventually(() => watcher.told.length === 4, { timeoutMs: 15_000 })
    assert.ok(!feed.isListening())
    const later = await placeOrder('emma')
    await pay(later)
    await eventually(() => watcher.told.includes(paid(later)), { timeoutMs: 15_000 })
    assert.equal(watcher.told.length, 5)
  })

  it('tells within seconds what nobody says, while no connection can listen', async () => {
    const orderId = await placeOrder('gina')
    const feed = start({ url: 'postgres://127.0.0.1:9/none' })
    const watcher = new Recorder()
    await feed.followUser(watcher, 'gina')
    await pay(orderId)
    await eventually(() => watcher.told.includes(paid(orderId)), { timeoutMs: 15_000 })
    assert.ok(!feed.isListening())
  })

  it('gives up watchers to whom nothing could be told for long, and is not ready', async () => {
    const feed = start({ maxSilenceMs: 300 })
    const [earlier, later] = [new Recorder(), new Recorder()]
    await feed.followUser(earlier, 'alice')
    assert.ok(feed.isReadable())
    await database.goAway()
    await feed.followUser(later, 'bob')
    await eventually(() => earlier.hasGivenUp && later.hasGivenUp)
    assert.ok(!feed.isReadable())
    await database.comeBack()
    await eventually(() => feed.isReadable())
  })
})
