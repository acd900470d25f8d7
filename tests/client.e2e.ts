import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { randomUUID, randomUUIDv7 } from 'node:crypto'
import { promisify } from 'node:util'
import { sql } from 'kysely'
import { ApiProblem, Client } from '#client/client.ts'
import type { Following } from '#client/follow.ts'
import type { Target } from '#client/followed.ts'
import { isPending } from '#contracts/order-states.ts'
import type { Order } from '#contracts/orders-http.ts'
import { checkedFetch } from '#testing/client.ts'
import { eventually } from '#testing/eventually.ts'
import { behindPath } from '#testing/path-proxy.ts'
import { type Proxy as Network, proxyTo } from '#testing/proxy.ts'
import { withDatabases } from '#testing/reconcile.ts'
import { useStack } from '#testing/shared-stack.ts'

describe('client/client.ts, through the gateway', function () {
  this.timeout(120_000)
  const stack = useStack()
  let client: Client
  let network: Network
  /** The same, over a network that a test can cut. */
  let troubled: Client
  const followings: Following[] = []

  before(async () => {
    client = new Client({ gateway: stack.gateway, fetch: checkedFetch })
    network = await proxyTo(stack.gateway)
    troubled = new Client({ gateway: network.url })
  })
  after(() => {
    for (const following of followings) following.close()
    network.close()
  })

  const newUser = async (balance: string) => {
    const { user_id } = await client.createAccount(`c-${randomUUID()}`)
    await client.topUp(user_id, balance)
    return user_id
  }
  /** Follows, and keeps what it is told. */
  const follow = (by: Client, start: (following: Following) => void) => {
    const told: Order[] = []
    const refused: { status: number; target: Target | undefined }[] = []
    let connections = 0
    const following = by.follow({
      onOrder: (order) => told.push(order),
      onProblem: ({ status }, target) => refused.push({ status, target }),
      onState: (state) => {
        if (state === 'live') connections++
      },
    })
    followings.push(following)
    start(following)
    const finals = () => told.filter(({ status }) => !isPending(status))
    return { following, told, refused, finals, connections: () => connections }
  }

  it('opens an account, puts money on it, and orders until there is none left', async () => {
    const user_id = await newUser('20.00')
    const { following, finals } = follow(client, () => {})
    for (const amount of ['12.50', '12.50']) {
      const order = await client.placeOrder(user_id, amount)
      assert.equal(order.status, 'PAYMENT_PENDING')
      following.order(order.order_id)
      await eventually(() => finals().some(({ order_id }) => order_id === order.order_id))
    }
    assert.deepEqual(
      finals().map(({ status }) => status),
      ['PAID', 'PAYMENT_FAILED'],
    )
    assert.equal(following.size, 0)
    assert.deepEqual(await client.getOrder(finals()[0]?.order_id ?? ''), finals()[0])
    assert.equal((await client.getAccount(user_id)).balance, '7.50')

    const { items, next_cursor } = await client.listOrders(user_id, { limit: 1 })
    assert.deepEqual(items, [finals()[1]])
    const next = await client.listOrders(user_id, { limit: 1, cursor: next_cursor ?? '' })
    assert.deepEqual([next.items, next.next_cursor], [[finals()[0]], null])
    const { stages } = await client.getTimeline(items[0]?.order_id ?? '')
    assert.deepEqual([stages[0]?.stage, stages.at(-1)?.stage], ['accepted', 'settled'])
    const ledger = await client.listLedger(user_id, { limit: 3 })
    assert.deepEqual(
      ledger.items.map(({ type, status }) => `${type} ${status}`),
      ['DEBIT FAILED', 'DEBIT SUCCESS', 'TOPUP SUCCESS'],
    )
  })

  it('throws the problem that the API has told', async () => {
    await assert.rejects(client.placeOrder('alice', '12.345'), (error) => {
      assert.ok(error instanceof ApiProblem)
      assert.deepEqual([error.problem.status, error.problem.errors?.[0]?.pointer], [422, '/amount'])
      return true
    })
    await assert.rejects(client.getAccount(`c-${randomUUID()}`), /no such account/)
  })

  it('orders once for one key', async () => {
    const user_id = await newUser('5.00')
    const idempotencyKey = randomUUID()
    const [one, two] = await Promise.all([
      client.placeOrder(user_id, '1.00', { idempotencyKey }),
      client.placeOrder(user_id, '1.00', { idempotencyKey }),
    ])
    assert.equal(one.order_id, two.order_id)
  })

  it('orders once when the answer is lost', async () => {
    const user_id = await newUser('5.00')
    const wasCut = network.cutAt(Buffer.from('HTTP/1.1 201'), 'down')
    const order = await troubled.placeOrder(user_id, '1.00')
    assert.ok(wasCut())
    assert.deepEqual(
      (await client.listOrders(user_id)).items.map(({ order_id }) => order_id),
      [order.order_id],
    )
  })

  it('gives up when its time is over, and at once when it is told to', async () => {
    const nowhere = await proxyTo(stack.gateway)
    nowhere.close()
    const hasty = new Client({ gateway: nowhere.url, patienceMs: 300 })
    await assert.rejects(hasty.getAccount('alice'), TypeError)
    const patient = new Client({ gateway: nowhere.url })
    const signal = AbortSignal.timeout(50)
    await assert.rejects(patient.getAccount('alice', { signal }), { name: 'TimeoutError' })
  })

  for (const [when, canReadAtFirst] of [
    ['once it has read where to begin', true],
    ['before it could read where to begin', false],
  ] as const) {
    it(`tells what ended while the connection was lost, ${when}`, async () => {
      const user_id = await newUser('3.00')
      let canRead = canReadAtFirst
      let readings = 0
      const troubled = new Client({
        gateway: network.url,
        fetch: async (url, init) => {
          if (!canRead) throw new TypeError('cannot be read yet')
          return fetch(url, init).finally(() => readings++)
        },
      })
      const byUser = follow(troubled, (following) => following.user(user_id))
      const byOrder = follow(troubled, () => {})
      await eventually(() => byUser.connections() + byOrder.connections() === 2)
      await eventually(() => readings === (canReadAtFirst ? 3 : 0))
      const first = await client.placeOrder(user_id, '1.00')
      await eventually(() => byUser.finals().length === 1)

      const port = Number(new URL(network.url).port)
      network.close()
      const meanwhile = await client.placeOrder(user_id, '1.00')
      byOrder.following.order(meanwhile.order_id)
      await eventually(async () => (await client.getOrder(meanwhile.order_id)).status === 'PAID')
      network = await proxyTo(stack.gateway, port)
      canRead = true

      await eventually(() => byOrder.finals().length === 1)
      await eventually(() => new Set(byUser.finals().map(({ order_id }) => order_id)).size === 2)
      for (const { order_id } of byUser.finals()) {
        assert.ok([first.order_id, meanwhile.order_id].includes(order_id))
      }
      assert.ok(byUser.connections() > 1)
    })
  }

  it('follows more orders than a connection takes', async () => {
    const user_id = `c-${randomUUID()}`
    const { following, finals } = follow(client, () => {})
    const orders = await Promise.all(
      Array.from({ length: 120 }, () => client.placeOrder(user_id, '1.00')),
    )
    for (const { order_id } of orders) following.order(order_id)
    await eventually(() => following.size === 0)
    assert.equal(finals().length, 120)
  })

  it('ends alone the subscription of a user that is none', async () => {
    const user_id = await newUser('1.00')
    const target = { user_id: 'no such name' }
    const { following, refused, finals, connections } = follow(client, (all) =>
      all.user(target.user_id).user(user_id),
    )
    const told = () => refused.filter((one) => one.target)
    await eventually(() => told().length > 0)
    await client.placeOrder(user_id, '1.00')
    await eventually(() => finals().length === 1)
    assert.deepEqual(told(), [{ status: 422, target }])
    assert.deepEqual([following.size, connections()], [1, 1])
  })

  it('gives the places of orders that do not exist to others', async () => {
    const { following, refused, finals } = follow(client, () => {})
    const unknown = Array.from({ length: 100 }, () => ({ order_id: randomUUID() }))
    for (const { order_id } of unknown) following.order(order_id)
    following.order((await client.placeOrder(await newUser('1.00'), '1.00')).order_id)
    await eventually(() => finals().length === 1)
    await eventually(() => refused.length === unknown.length)
    assert.deepEqual(
      new Set(refused.map(({ status, target }) => JSON.stringify({ status, ...target }))),
      new Set(unknown.map((target) => JSON.stringify({ status: 404, ...target }))),
    )
    assert.equal(following.size, 0)
  })

  it('tells an order that was committed while the connection was lost, and began long before', async () => {
    const user_id = await newUser('2.00')
    const late = randomUUIDv7()
    let readings = 0
    const counting = (url: URL, init: RequestInit) => fetch(url, init).finally(() => readings++)
    const troubled = new Client({ gateway: network.url, fetch: counting })
    const port = Number(new URL(network.url).port)
    await withDatabases(stack, async ({ orders }) => {
      const told = await orders.transaction().execute(async (slow) => {
        await sql`INSERT INTO orders (order_id, user_id, amount, timeout_starts_at)
                  VALUES (${late}, ${user_id}, 1, now() - interval '1 hour')`.execute(slow)
        const { order_id } = await client.placeOrder(user_id, '1.00')
        await eventually(async () => (await client.getOrder(order_id)).status === 'PAID')
        const byUser = follow(troubled, (following) => following.user(user_id))
        await eventually(() => readings === 3)
        network.close()
        return byUser.told
      })
      await eventually(async () => (await client.getOrder(late)).status === 'PAID')
      network = await proxyTo(stack.gateway, port)
      await eventually(() => told.length > 0)
      assert.deepEqual(
        told.map(({ order_id, status }) => `${order_id} ${status}`),
        [`${late} PAID`],
      )
    })
  })

  it('throws at once what can never go well', async () => {
    assert.throws(() => new Client({ gateway: 'localhost' }), /Invalid URL/)
    const patient = new Client({ gateway: stack.gateway, patienceMs: Number.POSITIVE_INFINITY })
    const idempotencyKey = 'two\nlines'
    await assert.rejects(patient.createAccount('alice', { idempotencyKey }), TypeError)
  })

  it('finds a gateway that is not at the root of its host', async () => {
    const path = await behindPath(stack.gateway, '/pay')
    try {
      for (const gateway of [path.url, `${path.url}/`]) {
        const inside = new Client({ gateway })
        const { following, finals } = follow(inside, () => {})
        following.order((await inside.placeOrder(await newUser('1.00'), '1.00')).order_id)
        await eventually(() => finals()[0]?.status === 'PAID')
        following.close()
      }
    } finally {
      path.close()
    }
  })

  it('needs no WebSocket of the runtime when one is handed in, and no randomUUID', async () => {
    const less = 'delete globalThis.WebSocket; delete Crypto.prototype.randomUUID'
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--import', `data:text/javascript,${less}`, 'tests/support/lesser-runtime.ts'],
      { env: { ...process.env, GATEWAY: stack.gateway }, timeout: 30_000 },
    )
    assert.equal(stdout, 'This runtime has no WebSocket\nPAID\n')
  })
})
