import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { type IncomingMessage, request } from 'node:http'
import { text } from 'node:stream/consumers'
import { isPending, type OrderStatus } from '#contracts/order-states.ts'
import { insist } from '#testing/client.ts'
import { assertDocumented, assertDocumentedMessage } from '#testing/documented.ts'
import { eventually } from '#testing/eventually.ts'
import { useStack } from '#testing/shared-stack.ts'

interface Message {
  type: string
  order_id?: string
  status?: string
  problem?: { status: number; detail: string; instance: string }
}

describe('/orders/ws, through the gateway', function () {
  this.timeout(120_000)
  const stack = useStack()
  const open: Connection[] = []
  const connect = async (query = '') => {
    const connection = new Connection(`${stack.gateway.replace(/^http/, 'ws')}/orders/ws${query}`)
    open.push(connection)
    await connection.opened
    return connection
  }
  const newUser = async (balance: string) => {
    const user_id = `ws-${randomUUID()}`
    await insist(stack.gateway, '/accounts', { user_id })
    await insist(stack.gateway, `/accounts/${user_id}/topup`, { amount: balance })
    return user_id
  }
  const placeOrder = async (user_id: string, amount = '1.00') => {
    const { body } = await insist(stack.gateway, '/orders', { user_id, amount })
    return body.order_id as string
  }
  afterEach(() => {
    for (const connection of open.splice(0)) {
      connection.close()
      for (const message of connection.messages) {
        assertDocumentedMessage(message.type === 'order' ? 'OrderMessage' : 'ErrorMessage', message)
      }
    }
  })

  it('tells the state of an order at once, then its end, once, whichever replica one is on', async () => {
    const user_id = await newUser('1.00')
    const orderId = await placeOrder(user_id)
    const subscribers = await Promise.all([1, 2, 3, 4].map(() => connect(`?order_id=${orderId}`)))
    for (const subscriber of subscribers) {
      await eventually(() => subscriber.statusesOf(orderId).at(-1) === 'PAID')
      const statuses = subscriber.statusesOf(orderId)
      assert.ok(statuses.length <= 2)
      assert.equal(statuses.filter((status) => status === 'PAID').length, 1)
    }
  })

  it('tells a subscriber of a user how each of the orders ends', async () => {
    const user_id = await newUser('2.00')
    const subscriber = await connect(`?user_id=${user_id}`)
    const orderIds = [
      await placeOrder(user_id),
      await placeOrder(user_id),
      await placeOrder(user_id),
    ]
    await eventually(() =>
      orderIds.every((id) => subscriber.statusesOf(id).at(-1)?.startsWith('PA')),
    )
    await eventually(() => subscriber.finals() === 3)
    const ends = orderIds.map((id) => subscriber.statusesOf(id).at(-1)).sort()
    assert.deepEqual(ends, ['PAID', 'PAID', 'PAYMENT_FAILED'])
  })

  it('takes subscriptions as messages, and lets go of what is unsubscribed', async () => {
    const user_id = await newUser('5.00')
    const subscriber = await connect()
    subscriber.send({ type: 'subscribe', user_id })
    const first = await placeOrder(user_id)
    await eventually(() => subscriber.statusesOf(first).at(-1) === 'PAID')

    subscriber.send({ type: 'unsubscribe', user_id })
    const second = await placeOrder(user_id)
    subscriber.send({ type: 'subscribe', order_id: await placeOrder(user_id) })
    await eventually(() => subscriber.finals() === 2)
    assert.deepEqual(subscriber.statusesOf(second), [])
  })

  it('tells the end also when it came while LISTEN was down', async () => {
    const user_id = await newUser('1.00')
    const subscriber = await connect(`?user_id=${user_id}`)
    const { connectDatabase } = await import('#chassis/database/connect.ts')
    const { sql } = await import('kysely')
    const db = connectDatabase<unknown>({ name: 'onlooker', url: stack.orders_database_url })
    const cut = () =>
      sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
          WHERE application_name = 'orders-api listen'`.execute(db)
    await cut()
    const orderId = await placeOrder(user_id)
    await cut()
    await eventually(() => subscriber.statusesOf(orderId).at(-1) === 'PAID')
    await cut()
    await eventually(async () => {
      const { rows } = await sql`SELECT FROM pg_stat_activity
        WHERE application_name = 'orders-api listen'`.execute(db)
      return rows.length === 2
    })
    const last = await placeOrder(user_id)
    await eventually(() => subscriber.statusesOf(last).at(-1) === 'PAYMENT_FAILED')
    assert.equal(subscriber.finals(), 2)
    await db.close()
  })

  it('answers a bad message with a problem, and stays', async () => {
    const subscriber = await connect(`?order_id=x&order_id=${randomUUID()}`)
    for (const bad of [
      'no json',
      '[]',
      '{}',
      '{"type":"subscribe"}',
      '{"type":"shout","order_id":"x"}',
      '{"type":"subscribe","order_id":"x"}',
      '{"type":"subscribe","user_id":""}',
      '{"type":"subscribe","user_id":"a","order_id":"b"}',
      '{"type":"subscribe","user_id":"a","extra":1}',
      new Uint8Array([1, 2]),
    ]) {
      subscriber.sendRaw(bad)
    }
    await eventually(() => subscriber.problems().length === 12)
    for (const problem of subscriber.problems()) {
      assert.ok([400, 404, 422].includes(problem.status))
      assert.ok(problem.detail && problem.instance)
    }
    assert.ok(subscriber.isOpen())
  })

  it('allows 100 subscriptions, of which ended orders do not count', async () => {
    const user_id = await newUser('1.00')
    const ended = await placeOrder(user_id)
    const subscriber = await connect(`?order_id=${ended}`)
    await eventually(() => subscriber.statusesOf(ended).at(-1) === 'PAID')
    for (let n = 0; n < 100; n++) subscriber.send({ type: 'subscribe', user_id: `nobody-${n}` })
    subscriber.send({ type: 'subscribe', user_id: 'nobody-100' })
    const [problem] = await eventually(
      () => subscriber.problems().length > 0 && subscriber.problems(),
    )
    assert.match(problem?.detail ?? '', /100/)
    assert.equal(subscriber.problems().length, 1)
    subscriber.send({ type: 'unsubscribe', user_id: 'nobody-0' })
    subscriber.send({ type: 'subscribe', user_id })
    const orderId = await placeOrder(user_id)
    await eventually(() => subscriber.statusesOf(orderId).at(-1) === 'PAYMENT_FAILED')
  })

  it('closes with 1009 on a message over 4 KiB', async () => {
    const subscriber = await connect()
    subscriber.sendRaw(' '.repeat(4_096))
    await eventually(() => subscriber.problems().length === 1)
    subscriber.sendRaw(' '.repeat(4_097))
    assert.equal(await subscriber.closed, 1009)
  })

  it('refuses a page of another origin, and takes one of this', async () => {
    const { host } = new URL(stack.gateway)
    assert.equal(await handshake(stack.gateway, { origin: 'https://elsewhere.example' }), 403)
    assert.equal(await handshake(stack.gateway, { origin: 'null' }), 403)
    assert.equal(await handshake(stack.gateway, { origin: `http://${host}` }), 101)
    assert.equal(await handshake(stack.gateway, {}), 101)
  })

  it('takes a page of this origin also where a proxy writes Host with the default port or in capitals', async () => {
    const page = 'shop.example'
    const status = (scheme: string, host: string) =>
      handshake(stack.gateway, { origin: `${scheme}://${page}`, host })
    assert.equal(await status('https', `${page}:443`), 101)
    assert.equal(await status('http', `${page}:80`), 101)
    assert.equal(await status('http', 'Shop.Example'), 101)
    assert.equal(await status('https', `${page}:80`), 403)
  })

  it('says 426 to who asks for no WebSocket, with what to ask for', async () => {
    for (const headers of [{}, { connection: 'Upgrade', upgrade: 'h2c' }]) {
      const { promise, resolve } = Promise.withResolvers<IncomingMessage>()
      request(new URL('/orders/ws?user_id=alice', stack.gateway), { headers }, resolve).end()
      const response = await promise
      const body = JSON.parse(await text(response))
      assert.equal(response.headers.upgrade, 'websocket')
      assert.match(response.headers.connection ?? '', /\bUpgrade\b/)
      const { statusCode: status = 0 } = response
      const contentType = response.headers['content-type'] ?? ''
      assertDocumented({ method: 'GET', path: '/orders/ws', status, contentType, body })
      assert.equal(body.type, '/problems/upgrade-required')
    }
  })
})

/** A client that keeps what it was told. */
class Connection {
  readonly messages: Message[] = []
  readonly opened: Promise<void>
  readonly closed: Promise<number>
  readonly #socket: WebSocket

  constructor(url: string) {
    this.#socket = new WebSocket(url)
    this.#socket.addEventListener('message', ({ data }) => {
      this.messages.push(JSON.parse(String(data)) as Message)
    })
    this.opened = new Promise((resolve, reject) => {
      this.#socket.addEventListener('open', () => resolve())
      this.#socket.addEventListener('error', () => reject(new Error(`cannot connect to ${url}`)))
    })
    this.closed = new Promise((resolve) => {
      this.#socket.addEventListener('close', ({ code }) => resolve(code))
    })
  }

  send = (message: object) => this.sendRaw(JSON.stringify(message))
  sendRaw = (message: string | Uint8Array<ArrayBuffer>) => this.#socket.send(message)
  close = () => this.#socket.close()
  isOpen = () => this.#socket.readyState === WebSocket.OPEN

  statusesOf = (orderId: string) =>
    this.messages.flatMap(({ order_id, status }) =>
      order_id === orderId && status ? [status] : [],
    )

  problems = () => this.messages.flatMap(({ problem }) => (problem ? [problem] : []))

  finals = () =>
    this.messages.filter(
      ({ type, status }) => type === 'order' && !isPending(status as OrderStatus),
    ).length
}

/** The status that a WebSocket handshake with these headers is answered with. */
function handshake(gateway: string, headers: Record<string, string>): Promise<number | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<number | undefined>()
  const sent = request(new URL('/orders/ws', gateway), {
    headers: {
      ...headers,
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
    },
  })
  sent.on('upgrade', (response, socket) => {
    socket.destroy()
    resolve(response.statusCode)
  })
  sent.on('response', (response) => {
    response.resume()
    resolve(response.statusCode)
  })
  sent.on('error', reject)
  sent.end()
  return promise
}
