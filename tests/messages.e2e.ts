import assert from 'node:assert/strict'
import { randomUUID, randomUUIDv7 } from 'node:crypto'
import amqp, { type GetMessage } from 'amqplib'
import { sql } from 'kysely'
import { createEvent } from '#contracts/events.ts'
import { isPending, type OrderStatus } from '#contracts/order-states.ts'
import { routes } from '#contracts/topology.ts'
import { call, insist } from '#testing/client.ts'
import { assertDocumentedMessage } from '#testing/documented.ts'
import { eventually } from '#testing/eventually.ts'
import { withDatabases } from '#testing/reconcile.ts'
import { useStack } from '#testing/shared-stack.ts'

describe('messages from outside, on the running stack', function () {
  this.timeout(120_000)
  const stack = useStack()
  let connection: amqp.ChannelModel
  let channel: amqp.ConfirmChannel

  before(async () => {
    connection = await amqp.connect(stack.amqp_url)
    channel = await connection.createConfirmChannel()
  })
  after(() => connection.close())

  const publish = (
    routingKey: string,
    content: string | Buffer,
    messageId: string = randomUUID(),
  ) => {
    const exchange = routingKey === 'payment.requested' ? 'orders.events' : 'payments.events'
    const options = { messageId, contentType: 'application/cloudevents+json', persistent: true }
    return new Promise<void>((resolve, reject) => {
      channel.publish(exchange, routingKey, Buffer.from(content), options, (error) =>
        error ? reject(error) : resolve(),
      )
    })
  }
  const takeDeadLetter = (queue: string): Promise<GetMessage> =>
    eventually(async () => await channel.get(`${queue}.dlq`, { noAck: true }))
  const newUser = async (balance: string) => {
    const user_id = `m-${randomUUID()}`
    await insist(stack.gateway, '/accounts', { user_id })
    await insist(stack.gateway, `/accounts/${user_id}/topup`, { amount: balance })
    return user_id
  }
  const ledgerOf = async (user_id: string) =>
    (await call(stack.gateway, 'GET', `/accounts/${user_id}/ledger?limit=100`)).body.items ?? []
  const orderOf = async (orderId: unknown) =>
    (await call(stack.gateway, 'GET', `/orders/${orderId}`)).body
  const settledOrder = async (user_id: string, amount: string) => {
    const { body } = await insist(stack.gateway, '/orders', { user_id, amount })
    return eventually(async () => {
      const order = await orderOf(body.order_id)
      return !isPending(order.status as OrderStatus) && order
    })
  }
  const requested = (data: object, fields: object = {}) => ({
    ...createEvent(
      { type: 'PaymentRequested', data: data as never },
      { id: randomUUIDv7(), time: new Date() },
    ),
    subject: undefined,
    ...fields,
  })

  it('the same message 100 times, and 100 new events for one order, charge once', async () => {
    const user_id = await newUser('10.00')
    const order = await settledOrder(user_id, '3.00')
    const data = { order_id: order.order_id, user_id, amount: '3.00' }
    const same = requested(data)
    const copies = Array.from({ length: 100 }, () => same)
    const news = Array.from({ length: 100 }, () => requested(data))
    await Promise.all(
      [...copies, ...news].map((event) =>
        publish('payment.requested', JSON.stringify(event), event.id),
      ),
    )
    await handled([same.id, ...news.map(({ id }) => id)])
    const debits = (await ledgerOf(user_id)).filter(({ type }) => type === 'DEBIT')
    assert.equal(debits.length, 1)
    assert.equal((await orderOf(order.order_id)).status, 'PAID')
  })

  const facts = { order_id: randomUUIDv7(), user_id: 'alice', amount: '1.00' }
  for (const [what, reason, content] of [
    ['no JSON', 'not-json', 'hello'],
    ['bytes that are no UTF-8', 'not-json', Buffer.from([0xff, 0xfe])],
    ['an empty message', 'not-json', ''],
    ['JSON that is no event', 'unknown-type', '[1]'],
    ['an unknown type', 'unknown-type', requested(facts, { type: 'PaymentForgotten' })],
    [
      'another version',
      'unknown-version',
      requested(facts, { dataschema: 'x/payment-requested.v2.json' }),
    ],
    [
      'a key twice',
      'doubled-key',
      JSON.stringify(requested(facts)).replace('"amount":', '"amount":"0.50","amount":'),
    ],
    ['no data', 'not-the-schema', requested(facts, { data: undefined })],
    ['no id', 'not-the-schema', requested(facts, { id: undefined })],
    ...['0.00', '-1.00', '1e30', 'NaN', '1.234', '0', 0, -1, 1e30, 1.5, null].map(
      (amount) =>
        [
          `the amount ${JSON.stringify(amount)}`,
          'not-the-schema',
          requested({ ...facts, amount }),
        ] as const,
    ),
    ['10 MB', 'too-large', requested(facts, { padding: 'x'.repeat(10_000_000) })],
  ] as const) {
    it(`${what} is a dead letter at once, and its neighbours are handled`, async () => {
      const body =
        typeof content === 'string' || Buffer.isBuffer(content) ? content : JSON.stringify(content)
      const user_id = await newUser('2.00')
      const neighbours = [0, 1].map(() =>
        requested({ order_id: randomUUIDv7(), user_id, amount: '1.00' }),
      )
      const messageId = randomUUID()
      await Promise.all([
        publish('payment.requested', JSON.stringify(neighbours[0])),
        publish('payment.requested', body, messageId),
        publish('payment.requested', JSON.stringify(neighbours[1])),
      ])
      const letter = await takeDeadLetter('payments-consumer')
      assert.equal(letter.properties.messageId, messageId)
      assert.equal(letter.properties.headers?.['dead-letter-reason'], reason)
      assert.ok(letter.properties.headers?.['last-error'])
      assert.deepEqual(letter.content, Buffer.from(body))
      await eventually(async () => (await ledgerOf(user_id)).length === 3)
      await takeReplies(2)
    })
  }

  /** Replies about orders that Orders does not know are dead letters there. */
  async function takeReplies(count: number): Promise<void> {
    for (let n = 0; n < count; n++) {
      const letter = await takeDeadLetter('orders-consumer')
      assert.equal(letter.properties.headers?.['dead-letter-reason'], 'unknown-order')
    }
  }

  it('a request about another amount or user than was decided is set aside', async () => {
    const user_id = await newUser('10.00')
    const { order_id } = await settledOrder(user_id, '3.00')
    for (const contradiction of [
      { user_id, amount: '4.00' },
      { user_id: 'mallory', amount: '3.00' },
    ]) {
      const event = requested({ order_id, ...contradiction })
      await publish('payment.requested', JSON.stringify(event))
      const letter = await takeDeadLetter('payments-consumer')
      assert.equal(letter.properties.headers?.['dead-letter-reason'], 'contradiction')
    }
    assert.equal((await ledgerOf(user_id)).length, 2)
  })

  it('a reply that contradicts the final status is set aside, with nothing changed', async () => {
    const user_id = await newUser('3.00')
    const paid = await settledOrder(user_id, '3.00')
    const failed = await settledOrder(user_id, '3.00')
    const reply = (
      type: 'PaymentSucceeded' | 'PaymentFailed',
      order: typeof paid,
      amount = '3.00',
    ) => {
      const data = { order_id: order.order_id as string, user_id, amount }
      const more = { tx_id: randomUUIDv7(), reason: 'INSUFFICIENT_FUNDS' as const }
      return createEvent(
        { type, data: { ...data, ...more } },
        { id: randomUUIDv7(), time: new Date() },
      )
    }
    for (const event of [
      reply('PaymentFailed', paid),
      reply('PaymentSucceeded', failed),
      reply('PaymentSucceeded', paid, '2.00'),
    ]) {
      const key = routes[event.type].routingKey
      await publish(key, JSON.stringify(event), event.id)
      const letter = await takeDeadLetter('orders-consumer')
      assert.equal(letter.properties.headers?.['dead-letter-reason'], 'contradiction')
    }
    assert.deepEqual(await orderOf(paid.order_id), paid)
    assert.deepEqual(await orderOf(failed.order_id), failed)
  })

  it('what the relays publish is as the contract says', async () => {
    const { queue } = await channel.assertQueue('', { exclusive: true })
    await channel.bindQueue(queue, 'orders.events', '#')
    await channel.bindQueue(queue, 'payments.events', '#')
    const order = await settledOrder(await newUser('1.00'), '1.00')
    const seen = new Map<string, GetMessage>()
    await eventually(async () => {
      const message = await channel.get(queue, { noAck: true })
      if (message) seen.set(message.properties.type as string, message)
      return seen.size === 2
    })
    for (const [type, { content, properties, fields }] of seen) {
      const event = JSON.parse(content.toString()) as Record<string, unknown>
      assertDocumentedMessage(type, event)
      assert.equal(event.specversion, '1.0')
      assert.equal(event.type, type)
      assert.equal(event.id, properties.messageId)
      assert.equal(event.subject, order.order_id)
      assert.match(String(event.dataschema), /\/payment-(requested|succeeded)\.v1\.json$/)
      assert.match(String(event.time), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
      assert.equal(properties.contentType, 'application/cloudevents+json')
      assert.equal(properties.deliveryMode, 2)
      assert.ok(properties.timestamp)
      assert.match(properties.headers?.['relayed-at'], /\.\d{3}Z$/)
      assert.match(fields.routingKey, /^payment\.(requested|succeeded)$/)
    }
  })

  /** All of these are in the inbox of Payments. */
  const handled = (eventIds: string[]) =>
    withDatabases(stack, ({ payments }) =>
      eventually(async () => {
        const { rows } = await sql<{ n: number }>`
          SELECT count(*)::int AS n FROM inbox WHERE event_id = ANY (${eventIds}::uuid[])
        `.execute(payments)
        return rows[0]?.n === eventIds.length
      }),
    )
})
