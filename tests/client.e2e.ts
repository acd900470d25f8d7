import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { randomUUID, randomUUIDv7 } from 'node:crypto'
import { promisify } from 'node:util'
import { sql } from 'kysely'
import { ApiProblem, CallError, Client, type Loss, type State } from '#client/client.ts'
import type { Following } from '#client/follow.ts'
import type { Target } from '#client/followed.ts'
import { isPending } from '#contracts/order-states.ts'
import type { Order } from '#contracts/orders-http.ts'
import { problemExample } from '#generator/problems.ts'
import { checkedFetch } from '#testing/client.ts'
import { eventually } from '#testing/eventually.ts'
import { behindPath } from '#testing/path-proxy.ts'
import { type Proxy as Network, proxyTo } from '#testing/proxy.ts'
import { withDatabases } from '#testing/reconcile.ts'
import { useStack } from '#testing/shared-stack.ts'

/** The pending orders, the newest one, those since then, and both lists of refunds. */
const firstReadings = 5

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
    const states: State[] = []
    const losses: Loss[] = []
    const following = by.follow({
      onOrder: (order) => told.push(order),
      onProblem: ({ status }, target) => refused.push({ status, target }),
      onState: (state, loss) => {
        states.push(state)
        if (loss) losses.push(loss)
      },
    })
    followings.push(following)
    start(following)
    const finals = () => told.filter(({ status }) => !isPending(status))
    const connections = () => states.filter((state) => state === 'connecting').length
    return { following, told, refused, finals, states, losses, connections }
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
    const hasty = new Client({ gateway: nowhere.url, totalTimeoutMs: 300 })
    await assert.rejects(hasty.getAccount('alice'), (error) => {
      assert.ok(error instanceof CallError && error.cause instanceof TypeError)
      assert.deepEqual([error.status, error.isTemporary], [undefined, true])
      return true
    })
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
      await eventually(() => byOrder.states.at(-1) === 'live')
      await eventually(() => byUser.states.at(-1) === (canReadAtFirst ? 'live' : 'lost'))
      assert.equal(readings, canReadAtFirst ? firstReadings : 0)
      const first = await client.placeOrder(user_id, '1.00')
      await eventually(() => byUser.finals().length === 1)

      const port = Number(new URL(network.url).port)
      network.close()
      const meanwhile = await client.placeOrder(user_id, '1.00')
      byOrder.following.order(meanwhile.order_id)
      await eventually(async () => (await client.getOrder(meanwhile.order_id)).status === 'PAID')
      await client.refundOrder(first.order_id)
      await eventually(async () => (await client.getOrder(first.order_id)).status === 'REFUNDED')
      network = await proxyTo(stack.gateway, port)
      canRead = true

      await eventually(() => byOrder.finals().length === 1)
      await eventually(() => new Set(byUser.finals().map(({ order_id }) => order_id)).size === 2)
      await eventually(() =>
        byUser
          .finals()
          .some(({ order_id, status }) => order_id === first.order_id && status === 'REFUNDED'),
      )
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
    const { following, refused, finals, states, connections } = follow(client, (all) =>
      all.user(target.user_id).user(user_id),
    )
    const told = () => refused.filter((one) => one.target)
    await eventually(() => told().length > 0)
    await client.placeOrder(user_id, '1.00')
    await eventually(() => finals().length === 1)
    assert.deepEqual(told(), [{ status: 422, target }])
    assert.deepEqual([following.size, connections()], [1, 1])
    assert.deepEqual(states, ['connecting', 'live'])
  })

  it('ends alone the subscription of a user whose orders it may not read', async () => {
    const [user_id, foreign] = [await newUser('1.00'), await newUser('1.00')]
    const refusal = problemExample(404, { when: 'foreign', detail: 'No such user.' })
    const by = new Client({
      gateway: stack.gateway,
      fetch: async (url, init) =>
        url.searchParams.get('user_id') === foreign
          ? Response.json(refusal, { status: 404 })
          : fetch(url, init),
    })
    const { following, refused, states } = follow(by, (all) => all.user(foreign).user(user_id))
    await eventually(() => states.includes('live'))
    assert.deepEqual(refused, [{ status: 404, target: { user_id: foreign } }])
    assert.deepEqual([following.size, states], [1, ['connecting', 'live']])
  })

  it('is live while it is connected and can read, and says when it tries again', async () => {
    const user_id = await newUser('1.00')
    const ownNetwork = await proxyTo(stack.gateway)
    let answer: Response | undefined = new Response(null, { status: 503 })
    const by = new Client({
      gateway: ownNetwork.url,
      totalTimeoutMs: 0,
      fetch: async (url, init) => answer?.clone() ?? fetch(url, init),
    })
    const { following, states, losses } = follow(by, (following) => following.user(user_id))
    await eventually(() => losses.length >= 2)
    assert.deepEqual(new Set(states), new Set(['connecting', 'lost']))
    answer = Response.json(problemExample(503, { when: 'away', detail: 'Away.' }), { status: 503 })
    await eventually(() => losses.at(-1)?.problem?.detail === 'Away.')
    assert.ok(losses.every(({ retryInMs }) => retryInMs > 0 && retryInMs <= 5_000))
    answer = undefined
    following.tryNow()
    await eventually(() => states.at(-1) === 'live')

    states.length = 0
    ownNetwork.cut()
    await eventually(() => states.includes('live'))
    assert.deepEqual(states.slice(0, 2), ['lost', 'connecting'])
    following.close()
    ownNetwork.close()
  })

  it('tries at once when it is told to', async () => {
    const ownNetwork = await proxyTo(stack.gateway)
    const port = Number(new URL(ownNetwork.url).port)
    const { following, states, losses } = follow(new Client({ gateway: ownNetwork.url }), () => {})
    await eventually(() => states.includes('live'))
    ownNetwork.close()
    await eventually(() => (losses.at(-1)?.retryInMs ?? 0) > 1_000) // long enough to tell
    const restored = await proxyTo(stack.gateway, port)
    states.length = 0
    following.tryNow()
    assert.deepEqual(states, ['connecting'])
    await eventually(() => states.includes('live'))
    assert.deepEqual(states, ['connecting', 'live'])
    following.close()
    restored.close()
  })

  it('places many orders, and reads them and their debits one by one', async () => {
    const user_id = await newUser('2.00')
    const placed: string[] = []
    await client.placeOrders(user_id, '0.01', {
      count: 120,
      onPlaced: ({ order_id }) => placed.push(order_id),
    })
    const read: string[] = []
    for await (const { order_id } of client.eachOrder(user_id)) read.push(order_id)
    assert.equal(new Set(placed).size, 120)
    assert.deepEqual(read.toSorted(), placed.toSorted())
    await eventually(async () => {
      let debits = 0
      for await (const { type } of client.eachLedgerEntry(user_id)) if (type === 'DEBIT') debits++
      return debits === 120
    })
  })

  it('begins no more orders of a burst when it is told to stop, and loses none of them', async () => {
    const user_id = await newUser('1.00')
    const stopping = new AbortController()
    const placed: string[] = []
    await client.placeOrders(user_id, '0.01', {
      count: 100,
      concurrency: 3,
      signal: stopping.signal,
      onPlaced: ({ order_id }) => {
        if (placed.push(order_id) === 5) stopping.abort()
      },
    })
    assert.ok(placed.length >= 5 && placed.length <= 7, `${placed.length}`)
    const { items } = await client.listOrders(user_id)
    assert.deepEqual(items.map(({ order_id }) => order_id).toSorted(), placed.toSorted())
  })

  it('ends a burst when an order is refused, has no answer in time, or waits for its retry', async () => {
    const nowhere = await proxyTo(stack.gateway)
    nowhere.close()
    let calls = 0
    const counting = (url: URL, init: RequestInit) => fetch(url, init).finally(() => calls++)
    const burst = { count: 50, concurrency: 2, onPlaced: () => assert.fail() }
    const lost = new Client({ gateway: nowhere.url, fetch: counting })
    await assert.rejects(lost.placeOrders('alice', '1.00', { ...burst, totalTimeoutMs: 300 }), {
      name: 'CallError',
    })
    assert.ok(calls > 2)
    calls = 0
    const refusing = new Client({ gateway: stack.gateway, fetch: counting })
    await assert.rejects(refusing.placeOrders('alice', 'much', burst), { name: 'ApiProblem' })
    assert.ok(calls <= 2, `${calls}`)
    const stopping = new AbortController()
    calls = 0
    const stopped = lost.placeOrders('alice', '1.00', { ...burst, signal: stopping.signal })
    await eventually(() => calls > 2)
    stopping.abort()
    await stopped
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
        await eventually(() => readings === firstReadings)
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
    const patient = new Client({ gateway: stack.gateway, totalTimeoutMs: Number.POSITIVE_INFINITY })
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
      ['--import', `data:text/javascript,${less}`, 'tests/support/minimal-runtime.ts'],
      { env: { ...process.env, GATEWAY: stack.gateway }, timeout: 30_000 },
    )
    assert.equal(stdout, 'This runtime has no WebSocket\nPAID\n')
  })
})
