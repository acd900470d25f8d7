import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { Client } from '#client/client.ts'
import type { Order } from '#contracts/orders-http.ts'
import { reconcile } from '#operator/reconcile/reconcile.ts'
import { call, checkedFetch } from '#testing/client.ts'
import { eventually } from '#testing/eventually.ts'
import { expectProblem } from '#testing/problem.ts'
import { withDatabases } from '#testing/reconcile.ts'
import { useStack } from '#testing/shared-stack.ts'

describe('a refund, through the gateway', function () {
  this.timeout(120_000)
  const stack = useStack()
  let client: Client
  before(() => {
    client = new Client({ gateway: stack.gateway, fetch: checkedFetch })
  })

  const post = (orderId: string, request: Parameters<typeof call>[3] = {}) =>
    call(stack.gateway, 'POST', `/orders/${orderId}/refund`, request)
  const endOf = (orderId: string, ...ends: Order['status'][]) =>
    eventually(async () => {
      const order = await client.getOrder(orderId)
      return ends.includes(order.status) && order
    })
  const newUser = async (balance: string) => {
    const userId = `refund-${randomUUID()}`
    await client.createAccount(userId)
    await client.topUp(userId, balance)
    return userId
  }
  const paidOrder = async (amount = '12.50', userId?: string) => {
    const user = userId ?? (await newUser('20.00'))
    const { order_id } = await client.placeOrder(user, amount)
    return endOf(order_id, 'PAID')
  }
  const findingsAbout = async ({ order_id, user_id }: Order) => {
    const findings = await withDatabases(stack, (databases) =>
      reconcile({ databases, olderThanMs: 60_000 }),
    )
    return findings.filter((one) => one.order_id === order_id || one.user_id === user_id)
  }
  const refundsOf = async ({ user_id }: Order) =>
    (await client.listLedger(user_id)).items.filter(({ type }) => type === 'REFUND')

  it('gives the money back: REFUND_PENDING, then REFUNDED, in the ledger and in the timeline', async () => {
    const order = await paidOrder()
    const { status, updated_at, ...accepted } = await client.refundOrder(order.order_id)
    assert.deepEqual([status, updated_at > order.updated_at], ['REFUND_PENDING', true])
    const { status: _, updated_at: __, ...same } = order
    assert.deepEqual(accepted, same)
    await endOf(order.order_id, 'REFUNDED')
    assert.equal((await client.getAccount(order.user_id)).balance, '20.00')
    const refunds = await refundsOf(order)
    assert.deepEqual(
      refunds.map(({ order_id, amount, status }) => [order_id, amount, status]),
      [[order.order_id, '12.50', 'SUCCESS']],
    )
    const { stages } = await client.getTimeline(order.order_id)
    assert.deepEqual(
      stages.map(({ stage }) => stage),
      [
        ...['accepted', 'relayed', 'received', 'charged', 'reply_relayed', 'settled'],
        ...['refund_accepted', 'refunded'],
      ],
    )
    assert.deepEqual(await findingsAbout(order), [])
  })

  it('is accepted once of many at the same time, and takes no second one', async () => {
    const order = await paidOrder()
    const replies = await Promise.all(Array.from({ length: 12 }, () => post(order.order_id)))
    const statuses = replies.map(({ status }) => status).sort()
    assert.deepEqual(statuses, [200, ...Array.from({ length: 11 }, () => 409)])
    for (const reply of replies.filter(({ status }) => status === 409)) {
      expectProblem(reply, 409)
      assert.equal(reply.body.type, '/problems/not-refundable')
      assert.equal(reply.headers.get('retry-after'), null)
    }
    await endOf(order.order_id, 'REFUNDED')
    expectProblem(await post(order.order_id), 409)
    assert.equal((await refundsOf(order)).length, 1)
  })

  it('answers the same again to the same Idempotency-Key, also when the order has gone on', async () => {
    const order = await paidOrder()
    const headers = { 'idempotency-key': randomUUID() }
    const first = await post(order.order_id, { headers })
    await endOf(order.order_id, 'REFUNDED')
    const again = await post(order.order_id, { headers, body: {} })
    assert.deepEqual([again.status, again.body], [200, first.body])
    assert.equal(again.headers.get('idempotent-replayed'), 'true')
    const other = await paidOrder('1.00', order.user_id)
    const reused = await post(other.order_id, { headers })
    assert.deepEqual([reused.status, reused.body.type], [422, '/problems/idempotency-key-reused'])
    assert.equal((await client.getOrder(other.order_id)).status, 'PAID')
  })

  it('is refused for now while the payment is not decided, and for good when it failed', async () => {
    const userId = await newUser('1.00')
    const { order_id } = await client.placeOrder(userId, '5.00')
    const reply = await post(order_id)
    if (reply.body.type === '/problems/order-pending') {
      assert.equal(reply.headers.get('retry-after'), '1')
    }
    await endOf(order_id, 'PAYMENT_FAILED')
    const refused = await post(order_id)
    assert.deepEqual([refused.status, refused.body.type], [409, '/problems/not-refundable'])
  })

  it('takes no body, or {}, and nothing else', async () => {
    const { order_id } = await paidOrder()
    const json = { 'content-type': 'application/json' }
    for (const [status, request] of [
      [422, { body: { amount: '1.00' } }],
      [422, { body: [] }],
      [400, { body: '{' }],
      [415, { body: '{}', headers: { 'content-type': 'text/plain' } }],
      [400, { headers: { 'idempotency-key': '' } }],
    ] as const) {
      expectProblem(await post(order_id, request), status)
    }
    expectProblem(await post(randomUUID()), 404)
    expectProblem(await post('x'), 404)
    const got = await call(stack.gateway, 'GET', `/orders/${order_id}/refund`)
    assert.deepEqual([got.status, got.headers.get('allow')], [405, 'POST'])
    assert.equal((await post(order_id, { headers: json })).status, 200)
  })

  it('is told to who follows the user, each change once; of an order the state, until it rests', async () => {
    const userId = await newUser('20.00')
    const ofUser: string[] = []
    const following = client.follow({ onOrder: ({ status }) => ofUser.push(status) }).user(userId)
    const order = await paidOrder('2.00', userId)
    await eventually(() => ofUser.at(-1) === 'PAID')
    await client.refundOrder(order.order_id)
    const ofOrder: string[] = []
    const watching = client
      .follow({ onOrder: ({ status }) => ofOrder.push(status) })
      .order(order.order_id)
    await eventually(() => ofUser.at(-1) === 'REFUNDED' && ofOrder.at(-1) === 'REFUNDED')
    const changes = ofUser.filter((status) => status !== 'PAYMENT_PENDING')
    assert.deepEqual([...new Set(changes)].length, changes.length, changes.join())
    assert.deepEqual(changes.at(0), 'PAID')
    assert.equal(watching.size, 0)
    following.close()
    watching.close()
  })

  it('ends as BALANCE_LIMIT when the account can not take the money, and the order is PAID again', async () => {
    const most = '9999999999999999.99'
    const userId = await newUser(most)
    const order = await paidOrder('5.00', userId)
    await client.topUp(userId, '5.00')
    await client.refundOrder(order.order_id)
    const again = await endOf(order.order_id, 'PAID')
    assert.equal(again.failure_reason, 'BALANCE_LIMIT')
    assert.equal((await client.getAccount(userId)).balance, most)
    assert.deepEqual(
      (await refundsOf(order)).map(({ status }) => status),
      ['FAILED'],
    )
    const { status, failure_reason } = await client.refundOrder(order.order_id)
    assert.deepEqual([status, failure_reason], ['REFUND_PENDING', undefined])
    assert.equal((await endOf(order.order_id, 'PAID')).failure_reason, 'BALANCE_LIMIT')
    assert.equal((await refundsOf(order)).length, 1)
    assert.deepEqual(await findingsAbout(order), [])
  })
})
