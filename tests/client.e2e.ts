import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import type { Following } from '#contracts/client/follow.ts'
import { ApiProblem, Client } from '#contracts/client.ts'
import type { Order } from '#contracts/orders-http.ts'
import { checkedFetch } from '#testing/client.ts'
import { eventually } from '#testing/eventually.ts'
import { type Proxy as Network, proxyTo } from '#testing/proxy.ts'
import { useStack } from '#testing/shared-stack.ts'

describe('contracts/client.ts, through the gateway', function () {
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
    let connections = 0
    const following = by.follow({
      onOrder: (order) => told.push(order),
      onState: (state) => {
        if (state === 'live') connections++
      },
    })
    followings.push(following)
    start(following)
    const finals = () => told.filter(({ status }) => status !== 'PAYMENT_PENDING')
    return { following, told, finals, connections: () => connections }
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
      await eventually(() => readings === (canReadAtFirst ? 2 : 0))
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
})
