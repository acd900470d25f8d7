import assert from 'node:assert/strict'
import { randomUUIDv7 } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { type AddressInfo, createConnection } from 'node:net'
import { text } from 'node:stream/consumers'
import { promisify } from 'node:util'
import { sql } from 'kysely'
import { WebSocket } from 'ws'
import { connectDatabase } from '#chassis/database/connect.ts'
import { Resources } from '#chassis/resources.ts'
import { orderStatusChannel } from '#contracts/order-status.ts'
import { notify } from '#messaging/notifications/notify.ts'
import { Principal } from '#principal/principal.ts'
import { type Verify, verifyNothing } from '#principal/verifier.ts'
import type { OrdersDatabase } from '#tables/orders.ts'
import { useDatabase } from '#testing/database.ts'
import { assertDocumentedMessage } from '#testing/documented.ts'
import { eventually } from '#testing/eventually.ts'
import { silent } from '#testing/logger.ts'
import type { Refusal } from './connection.ts'
import { StatusFeed, type StatusFeedOptions } from './status-feed.ts'
import { serveWebSocket, type WebSocketOptions } from './web-socket.ts'

describe('serveWebSocket', function () {
  this.timeout(120_000)
  const database = useDatabase('orders')
  const logger = silent
  const resources = new Resources()
  let server: Server
  let feed: StatusFeed
  let url: string
  let socket: ReturnType<typeof serveWebSocket>
  let refusals: Refusal[] = []

  const withoutLimits = {
    connectionLimits: { perUser: 0, perAddress: 0 },
    pace: { perSecond: 1e6, burst: 1e6, waiting: 1e6 },
  }
  let limits: Pick<WebSocketOptions, 'connectionLimits' | 'pace'> = withoutLimits
  beforeEach('no limits', () => {
    limits = withoutLimits
  })

  const start = async (
    pingMs: number,
    options: Partial<StatusFeedOptions> = {},
    verify: Verify = verifyNothing,
  ) => {
    const { url: databaseUrl } = database
    const name = 'orders-api'
    const db = resources.use(
      connectDatabase<OrdersDatabase>({ name, url: databaseUrl, poolSize: 2 }),
    )
    feed = resources.use(
      new StatusFeed({ name, db, url: databaseUrl, logger, limit: 100, ...options }),
    )
    server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    resources.use({ close: () => server.close() })
    refusals = []
    const onRefused = (reason: Refusal) => void refusals.push(reason)
    const socketOptions = { feed, logger, pingMs, onRefused, verify, ...limits }
    socket = resources.use(serveWebSocket(server, socketOptions))
    url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}/orders/ws`
  }
  afterEach(() => resources.closeAll(logger))

  const connections = () => promisify(server.getConnections.bind(server))()
  const connect = async (options: object = {}) => {
    const client = new WebSocket(url, options)
    await once(client, 'open')
    return client
  }
  /** Until the next one over the connection that listens was answered. */
  const heartbeat = async () => {
    const last = async () => {
      const [row] = await database.rows<{ query_start: Date }>(sql`
        SELECT query_start FROM pg_stat_activity
        WHERE datname = current_database() AND application_name = 'orders-api listen'
          AND query LIKE '%heartbeat'
      `)
      return row?.query_start.getTime()
    }
    const before = await last()
    await eventually(async () => (await last()) !== before)
  }

  it('cuts off a client that does not answer pings, and keeps one that does', async () => {
    await start(1_000)
    const answering = await connect()
    const dead = await connect({ autoPong: false })
    await once(dead, 'close')
    assert.equal(answering.readyState, WebSocket.OPEN)
    await once(answering, 'ping')
    answering.terminate()
  })

  it('cuts off a client that never reads', async () => {
    await start(60_000)
    const client = await connect({ autoPong: true })
    client.on('error', () => {})
    client.pause()
    const flood = () => {
      for (let n = 0; n < 1_000 && client.readyState === WebSocket.OPEN; n++) client.send('no json')
    }
    await eventually(
      async () => {
        flood()
        return (await connections()) === 0
      },
      { timeoutMs: 60_000 },
    )
    client.terminate()
  })

  it('tells what it refuses by its reason, and counts connections and subscriptions', async () => {
    await start(60_000, { limit: 2 })
    const refused = (reason: Refusal) => eventually(() => refusals.includes(reason))
    const client = await connect()
    const subscribe = (user_id: string) =>
      client.send(JSON.stringify({ type: 'subscribe', user_id }))
    subscribe('alice')
    subscribe('bob')
    await eventually(() => feed.subscriptions().user === 2)
    subscribe('carol')
    await refused('subscription-limit')
    client.send('no json')
    await refused('message')
    const foreign = new WebSocket(url, { origin: 'http://elsewhere.example' })
    foreign.on('error', () => {})
    await refused('handshake')
    assert.equal(socket.connections(), 1)
    assert.deepEqual(feed.subscriptions(), { order: 0, user: 2 })
    client.send('x'.repeat(5_000))
    await refused('message-too-large')
    await eventually(() => socket.connections() === 0)
    assert.deepEqual(feed.subscriptions(), { order: 0, user: 0 })
    assert.deepEqual(refusals.length, 4)
  })

  it('survives clients that reset while they are refused', async () => {
    await start(60_000)
    const { port } = server.address() as AddressInfo
    const head = ['connection: upgrade', 'upgrade: websocket', 'origin: http://elsewhere.example']
    for (const target of ['/orders/ws', '//', '/elsewhere']) {
      for (let n = 0; n < 20; n++) {
        const socket = createConnection({ port, host: '127.0.0.1' })
        socket.write([`GET ${target} HTTP/1.1`, 'host: here', ...head, '', ''].join('\r\n'))
        await once(socket, 'connect')
        socket.resetAndDestroy()
      }
    }
    await eventually(async () => (await connections()) === 0)
    const client = await connect()
    client.terminate()
  })

  it('lets go of a client that has closed', async () => {
    await start(60_000)
    const client = await connect()
    client.send(JSON.stringify({ type: 'subscribe', user_id: 'alice' }))
    client.close()
    await eventually(async () => (await connections()) === 0)
  })

  it('subscribes to nothing more for a client that has closed, however much it had requested', async () => {
    await start(60_000)
    const removed = new Set<unknown>()
    const subscribedTooLate: string[] = []
    const { subscribe, remove } = feed
    feed.remove = (subscriber) => {
      removed.add(subscriber)
      remove.call(feed, subscriber)
    }
    feed.subscribe = (subscriber, target) => {
      if (removed.has(subscriber)) subscribedTooLate.push(target.id)
      return subscribe.call(feed, subscriber, target)
    }
    const users = Array.from({ length: 50 }, (_, n) => `user_id=u${n}`).join('&')
    const client = new WebSocket(`${url}?${users}`)
    await once(client, 'open')
    client.terminate()
    await eventually(() => removed.size === 1)
    const marker = await connect() // its snapshot waits behind all that was asked for before
    marker.send(JSON.stringify({ type: 'subscribe', order_id: randomUUIDv7() }))
    await once(marker, 'message')
    assert.deepEqual(subscribedTooLate, [])
    marker.terminate()
  })

  it('pushes what is true, once, whatever a forged NOTIFY says', async () => {
    await start(60_000)
    const order_id = randomUUIDv7()
    await database.rows(sql`
      INSERT INTO orders (order_id, user_id, amount) VALUES (${order_id}, 'alice', 1)
    `)
    const pushed: string[] = []
    const client = await connect()
    client.on('message', (data) => pushed.push(JSON.parse(String(data)).status))
    client.send(JSON.stringify({ type: 'subscribe', order_id }))
    await eventually(() => pushed.length === 1)
    const forged = [
      order_id,
      `${order_id},PAID`,
      randomUUIDv7(),
      '',
      'PAID',
      `{"id":"${order_id}"}`,
    ]
    const forge = () => notify(database.db, orderStatusChannel, forged)
    for (let time = 0; time < 5; time++) await forge()
    await database.rows(sql`UPDATE orders SET status = 'PAID' WHERE order_id = ${order_id}`)
    await forge()
    await eventually(() => pushed.length === 2)
    await forge()
    const marker = await connect() // what was notified before it is pushed before it
    marker.send(JSON.stringify({ type: 'subscribe', order_id: randomUUIDv7() }))
    await once(marker, 'message')
    assert.deepEqual(pushed, ['PAYMENT_PENDING', 'PAID'])
    client.terminate()
    marker.terminate()
  })

  it('forgets in time what was delivered, so that a long life takes no more memory', async () => {
    await start(60_000)
    const orderIds = Array.from({ length: 50 }, () => randomUUIDv7())
    await database.rows(sql`
      INSERT INTO orders (order_id, user_id, amount)
      SELECT id, 'bob', 1 FROM unnest(${orderIds}::uuid[]) AS id
    `)
    const pushed: string[] = []
    const client = await connect()
    client.on('message', (data) => pushed.push(JSON.parse(String(data)).order_id))
    client.send(JSON.stringify({ type: 'subscribe', user_id: 'bob' }))
    await eventually(() => pushed.length === 50)
    const end = async (ids: string[], inSeconds: number) => {
      await database.rows(sql`
        UPDATE orders SET status = 'PAID', updated_at = now() + ${inSeconds}::int * interval '1 s'
        WHERE order_id = ANY (${ids}::uuid[])
      `)
      await notify(database.db, orderStatusChannel, ids)
    }
    const [oldest = '', ...others] = orderIds
    await end([oldest], 0)
    await eventually(() => pushed.length === 51)
    await heartbeat()
    await end(others, 60)
    await eventually(() => pushed.length === 100)
    await eventually(async () => {
      await notify(database.db, orderStatusChannel, orderIds)
      return pushed.length > 100 // as if its end were news
    })
    assert.deepEqual(pushed.slice(100), [oldest])
    client.terminate()
  })

  it('pushes to the subscribers of many users what ended while LISTEN was lost', async () => {
    await start(60_000)
    const userIds = Array.from({ length: 250 }, (_, number) => `user-${number}`)
    await database.rows(sql`
      INSERT INTO orders (order_id, user_id, amount)
      SELECT gen_random_uuid(), id, 1 FROM unnest(${userIds}::text[]) AS id
    `)
    const paid: string[] = []
    let pending = 0
    const clients = await Promise.all(userIds.slice(0, 3).map(() => connect()))
    for (const [number, client] of clients.entries()) {
      client.on('message', (data) => {
        const { status, order_id } = JSON.parse(String(data))
        if (status === 'PAID') paid.push(order_id)
        else pending++
      })
      const own = userIds.slice(number * 100, (number + 1) * 100)
      for (const user_id of own) client.send(JSON.stringify({ type: 'subscribe', user_id }))
    }
    await eventually(() => pending === 250)
    await database.endConnections('orders-api listen')
    await database.rows(sql`UPDATE orders SET status = 'PAID' WHERE user_id LIKE 'user-%'`)
    await eventually(() => paid.length === 250)
    assert.equal(new Set(paid).size, 250)
    for (const client of clients) client.terminate()
  })

  it('pushes all 70,000 pending orders of a user to each subscriber, one that reads nothing meanwhile too', async () => {
    await start(60_000)
    await database.rows(sql`
      INSERT INTO orders (order_id, user_id, amount)
      SELECT gen_random_uuid(), 'many', 1 FROM generate_series(1, 70000)
    `)
    await database.rows(sql`ANALYZE orders`) // as autovacuum does within a minute
    const subscribe = async () => {
      const client = await connect()
      const pushed = new Set<string>()
      client.on('message', (data) => pushed.add(JSON.parse(String(data)).order_id))
      client.send(JSON.stringify({ type: 'subscribe', user_id: 'many' }))
      await eventually(() => pushed.size > 0)
      return { client, pushed }
    }
    const slow = await subscribe()
    slow.client.pause()
    const quick = await subscribe()
    await eventually(() => quick.pushed.size === 70_000, { timeoutMs: 60_000 })
    assert.ok(slow.pushed.size < 70_000)
    slow.client.resume()
    await eventually(() => slow.pushed.size === 70_000, { timeoutMs: 60_000 })
    for (const { client } of [slow, quick]) {
      assert.equal(client.readyState, WebSocket.OPEN)
      client.terminate()
    }
  })

  it('names in an error what the message named, valid or not', async () => {
    await start(60_000)
    const order_id = randomUUIDv7()
    const client = new WebSocket(`${url}?order_id=x&user_id=-&order_id=${order_id}`)
    const pushed: { order_id?: string; user_id?: string; problem: { status: number } }[] = []
    client.on('message', (data) => {
      assertDocumentedMessage('ErrorMessage', JSON.parse(String(data)))
      pushed.push(JSON.parse(String(data)))
    })
    await once(client, 'open')
    client.send(JSON.stringify({ type: 'shout', user_id: 'alice' }))
    client.send(JSON.stringify({ type: 'subscribe', user_id: 5 }))
    client.send('no json')
    await eventually(() => pushed.length === 6)
    const targets = pushed.map(({ problem, ...rest }) => ({ ...rest, status: problem.status }))
    const type = 'error'
    assert.deepEqual(targets, [
      { type, order_id: 'x', status: 422 },
      { type, user_id: '-', status: 422 },
      { type, order_id, status: 404 },
      { type, user_id: 'alice', status: 422 },
      { type, status: 422 },
      { type, status: 400 },
    ])
    client.terminate()
  })

  it('closes with 1013 when nothing could be read for long, and says why', async () => {
    await start(60_000, { maxSilenceMs: 300 })
    const client = await connect()
    client.send(JSON.stringify({ type: 'subscribe', user_id: 'alice' }))
    await database.refuseConnections()
    const [code, reason] = await once(client, 'close')
    await database.acceptConnections()
    assert.deepEqual([code, String(reason)], [1013, 'orders cannot be read at the moment'])
  })

  it('closes with 1001 when it is closed', async () => {
    await start(60_000)
    const client = await connect()
    const closed = once(client, 'close')
    await resources.closeAll(logger)
    assert.equal((await closed)[0], 1001)
  })

  describe('with limits', () => {
    /** Refused without a look at the database. */
    const shout = (order_id: string) => JSON.stringify({ type: 'shout', order_id })
    const errorsAt = (client: WebSocket) => {
      const problems: { order_id?: string }[] = []
      client.on('message', (data) => problems.push(JSON.parse(String(data))))
      return problems
    }
    /** The answer to a handshake that is refused, with its problem. */
    const refusedHandshake = async (options: object = {}) => {
      const client = new WebSocket(url, options)
      const [request, response] = await once(client, 'unexpected-response')
      const problem = JSON.parse(await text(response))
      request.destroy()
      return { status: response.statusCode, retryAfter: response.headers['retry-after'], problem }
    }

    it('closes with 1008 when a client sends more at once than may wait, having handled few', async () => {
      limits = { ...limits, pace: { perSecond: 1, burst: 5, waiting: 10 } }
      await start(60_000)
      for (const flood of ['message', 'ping', 'pong'] as const) {
        refusals = []
        const client = await connect()
        const problems = errorsAt(client)
        for (let n = 0; n < 1_000; n++) {
          if (flood === 'message') client.send('no json')
          else client[flood]()
        }
        const [code, reason] = await once(client, 'close')
        assert.deepEqual([code, String(reason)], [1008, 'too many requests at once'], flood)
        assert.deepEqual(
          refusals.filter((one) => one !== 'message'),
          ['too-fast'],
        )
        assert.ok(problems.length < 20, `${problems.length} answers`)
      }
    })

    it('answers all that a client asks faster than its pace, each in its turn, and reads on', async () => {
      limits = { ...limits, pace: { perSecond: 50, burst: 1, waiting: 1_000 } }
      await start(60_000)
      const client = await connect()
      const problems = errorsAt(client)
      const startMs = performance.now()
      const ids = Array.from({ length: 21 }, () => randomUUIDv7())
      for (const id of ids) client.send(shout(id))
      await eventually(() => problems.length === ids.length)
      assert.ok(performance.now() - startMs >= 380, 'faster than its pace')
      assert.deepEqual(
        problems.map(({ order_id }) => order_id),
        ids,
      )
      client.send('no json')
      await eventually(() => problems.length === ids.length + 1)
      client.terminate()
    })

    it('closes a client that sends a message in many pieces', async () => {
      await start(60_000)
      const client = await connect()
      for (let n = 0; n < 20; n++) client.send('x', { fin: false })
      const [code] = await once(client, 'close')
      assert.equal(code, 1008)
      assert.deepEqual(refusals, ['message-in-pieces'])
    })

    it('refuses with 429 the connections of an address beyond its limit, and lets in one for each that leaves', async () => {
      limits = { ...limits, connectionLimits: { perUser: 0, perAddress: 2 } }
      await start(60_000)
      const [first, second] = [await connect(), await connect()]
      const { status, retryAfter, problem } = await refusedHandshake()
      assert.deepEqual([status, retryAfter], [429, '5'])
      assert.equal(problem.type, '/problems/too-many-requests')
      assert.match(problem.detail, /This address has as many/)
      const elsewhere = await connect({ headers: { 'x-forwarded-for': 'forged, 10.1.2.3' } })
      first.close()
      await eventually(async () => (await connections()) === 2)
      const third = await connect()
      assert.deepEqual(refusals, ['address-connections'])
      for (const client of [second, third, elsewhere]) client.terminate()
      await eventually(async () => (await connections()) === 0)
      for (const client of [await connect(), await connect()]) client.terminate()
    })

    it('counts the connections of a user, whatever their address', async () => {
      limits = { ...limits, connectionLimits: { perUser: 1, perAddress: 0 } }
      const expiresAt = Date.now() / 1_000 + 60
      await start(60_000, {}, (readToken) => {
        const userId = readToken() ?? ''
        return Principal.ofToken({ userId, expiresAt }) ?? Principal.unrestricted
      })
      const as = (user: string, address: string) => ({
        headers: { authorization: `Bearer ${user}`, 'x-forwarded-for': address },
      })
      const alice = await connect(as('alice', '10.0.0.1'))
      const bob = await connect(as('bob', '10.0.0.1'))
      const { status, problem } = await refusedHandshake(as('alice', '10.0.0.2'))
      assert.equal(status, 429)
      assert.match(problem.detail, /This user has as many/)
      assert.deepEqual(refusals, ['user-connections'])
      for (const client of [alice, bob]) client.terminate()
    })
  })
})
