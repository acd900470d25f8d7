import assert from 'node:assert/strict'
import { randomBytes, randomUUIDv7 } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import amqp from 'amqplib'
import { createEvent } from '#contracts/events.ts'
import { call, OrderSubscriber } from '#testing/client.ts'
import { eventually, eventuallyPasses } from '#testing/eventually.ts'
import type { ReceivedSpan } from '#testing/otlp-receiver.ts'
import { linkedTo, spansOf, traceTree } from '#testing/trace-tree.ts'
import { openTracedStack, type TracedStack } from '#testing/traced-stack.ts'

const newContext = () => ({
  traceId: randomBytes(16).toString('hex'),
  spanId: randomBytes(8).toString('hex'),
})

describe('traces of the whole stack', function () {
  this.timeout(180_000)
  let traced: TracedStack
  before('start a stack that is traced', async () => {
    traced = await openTracedStack({ OTEL_EXPORTER_OTLP_TIMEOUT: '1000' })
  })
  after(() => traced?.close())

  const spansIn = (traceId: string) => spansOf(traced.receiver.spans, traceId)
  const isPushed = (status: string) => (span: ReceivedSpan) =>
    span.name === 'push order' && span.attributes['orders_payments.order.status'] === status
  const isPaid = async (orderId: unknown) =>
    (await call(traced.stack.gateway, 'GET', `/orders/${orderId}`)).body.status === 'PAID'
  const only = (spans: ReceivedSpan[], name: string, service: string): ReceivedSpan => {
    const found = spans.filter((span) => span.name === name && span.service === service)
    assert.equal(found.length, 1, `${found.length} times ${name} of ${service}`)
    return found[0]!
  }

  it('shows the whole way of one order of two hundred, by links over both hops, up to the push on another replica', async () => {
    const user = await traced.newUser('200.00')
    const watcher = new OrderSubscriber(traced.ordersApi(2))
    const caller = newContext()
    const headers = { traceparent: `00-${caller.traceId}-${caller.spanId}-01` }
    const { body } = await traced.placeAtOnce(user, 200, headers)
    watcher.follow(body.order_id as string)
    await eventually(() => watcher.finals.has(body.order_id as string))
    watcher.close()
    await eventuallyPasses(() => assertWholeWay(caller))
  })

  /** Processes send their spans at different times. */
  function assertWholeWay(caller: ReturnType<typeof newContext>): void {
    const { spans } = traced.receiver
    const own = spansIn(caller.traceId)
    const batch = (target: ReceivedSpan, name: string, service: string) =>
      only(linkedTo(spans, target), name, service)

    const post = only(own, 'POST /orders', 'orders-api')
    assert.deepEqual([post.kind, post.parentSpanId], ['SERVER', caller.spanId])
    const charged = only(own, 'handle PaymentRequested', 'payments-consumer')
    assert.equal(charged.parentSpanId, post.spanId)
    const settled = only(own, 'handle PaymentSucceeded', 'orders-consumer')
    assert.equal(settled.parentSpanId, charged.spanId)
    const push = own.find(isPushed('PAID'))
    assert.ok(push)
    assert.equal(push.parentSpanId, post.spanId)
    assert.notEqual(push.instance, post.instance)

    const request = 'orders.events:payment.requested'
    const reply = 'payments.events:payment.succeeded'
    const way = [
      batch(post, 'accept orders', 'orders-api'),
      batch(post, `publish ${request}`, 'orders-relay'),
      batch(post, `process ${request}:payments-consumer`, 'payments-consumer'),
      batch(charged, `publish ${reply}`, 'payments-relay'),
      batch(charged, `process ${reply}:orders-consumer`, 'orders-consumer'),
    ]
    assert.deepEqual(
      way.map(({ kind, parentSpanId }) => [kind, parentSpanId]),
      ['INTERNAL', 'CLIENT', 'CONSUMER', 'CLIENT', 'CONSUMER'].map((kind) => [kind, '']),
    )
    const [, published, processed, replied] = way
    assert.equal(published!.links.length, 200, 'a link to each order of the claim')
    for (const { links, attributes } of way.slice(1)) {
      assert.ok(links.length >= 10, `${links.length} links`)
      assert.equal(attributes['messaging.batch.message_count'], links.length)
    }
    assert.ok(charged.links.some(({ spanId }) => spanId === processed!.spanId))
    assert.equal(new Set(replied!.links.map(({ traceId }) => traceId)).size, replied!.links.length)
    assert.match(traceTree(spans, caller.traceId), /• POST \/orders[^•]*~ accept orders/)
  }

  it('names spans and attributes by the conventions', async () => {
    const { traceId, spanId } = newContext()
    const user = await traced.newUser('1.00')
    const headers = { traceparent: `00-${traceId}-${spanId}-01` }
    const { body } = await traced.placeAtOnce(user, 1, headers)
    const handled = await eventually(() =>
      spansIn(traceId).find(({ name }) => name.endsWith('Succeeded')),
    )
    assert.deepEqual(
      { ...handled.attributes, 'cloudevents.event_id': undefined },
      {
        'cloudevents.event_id': undefined,
        'cloudevents.event_type': 'PaymentSucceeded',
        'cloudevents.event_source': '/payments',
        'cloudevents.event_subject': body.order_id,
        'orders_payments.event.result': 'handled',
      },
    )
    const post = await eventually(() => spansIn(traceId).find(({ kind }) => kind === 'SERVER'))
    assert.deepEqual(
      { ...post.attributes, 'orders_payments.request.id': undefined },
      {
        'http.request.method': 'POST',
        'http.route': '/orders',
        'http.response.status_code': 201,
        'url.path': '/orders',
        'url.scheme': 'http',
        'orders_payments.request.id': undefined,
      },
    )
    const broker = new URL(traced.stack.amqp_url)
    const published = await eventually(() =>
      linkedTo(traced.receiver.spans, post).find(({ kind }) => kind === 'CLIENT'),
    )
    assert.deepEqual(published.attributes, {
      'messaging.system': 'rabbitmq',
      'messaging.operation.name': 'publish',
      'messaging.operation.type': 'send',
      'messaging.destination.name': 'orders.events:payment.requested',
      'messaging.rabbitmq.destination.routing_key': 'payment.requested',
      'messaging.batch.message_count': 1,
      'server.address': broker.hostname,
      'server.port': Number(broker.port),
    })
    assert.ok(traced.receiver.contentTypes.every((type) => type === 'application/x-protobuf'))
    assert.deepEqual(
      traced.receiver.spans.filter(({ name }) => /livez|readyz/.test(name)),
      [],
    )
  })

  it('begins a trace where the traceparent is malformed, and none that the caller does not sample', async () => {
    const user = await traced.newUser('3.00')
    const place = (traceparent: string) =>
      call(traced.stack.gateway, 'POST', '/orders', {
        body: { user_id: user, amount: '1.00' },
        headers: { traceparent },
      })
    const unsampled = newContext()
    const malformed = newContext()
    const answers = [
      await place(`00-${unsampled.traceId}-${unsampled.spanId}-00`),
      await place(`00-${malformed.traceId}-${malformed.spanId}-01-more`),
      await place('garbage'),
    ]
    assert.deepEqual(
      answers.map(({ status }) => status),
      [201, 201, 201],
    )
    const [none, ...begun] = answers.map(({ body }) => body.order_id)
    const settled = (orderId: unknown) =>
      traced.receiver.spans.find(
        ({ service, attributes }) =>
          service === 'orders-consumer' && attributes['cloudevents.event_subject'] === orderId,
      )
    for (const orderId of begun) await eventually(() => settled(orderId))
    await eventually(() => isPaid(none))
    assert.equal(settled(none), undefined)
    for (const { traceId } of [unsampled, malformed]) {
      assert.deepEqual(spansIn(traceId), [])
    }
  })

  it('follows a refund in the trace of the request for it', async () => {
    const user = await traced.newUser('1.00')
    const { body } = await traced.placeAtOnce(user, 1)
    const watcher = new OrderSubscriber(traced.ordersApi(2))
    const { traceId, spanId } = newContext()
    const path = `/orders/${body.order_id}/refund`
    const headers = { traceparent: `00-${traceId}-${spanId}-01` }
    await eventually(() => isPaid(body.order_id))
    await call(traced.ordersApi(1), 'POST', path, { headers })
    watcher.follow(body.order_id as string)
    await eventuallyPasses(() => {
      const own = spansIn(traceId)
      only(own, 'POST /orders/{order_id}/refund', 'orders-api')
      only(own, 'handle RefundRequested', 'payments-consumer')
      only(own, 'handle PaymentRefunded', 'orders-consumer')
      assert.ok(own.some(isPushed('REFUNDED')))
    })
    watcher.close()
  })

  it('logs the trace of an event that becomes a dead letter, and its span says why', async () => {
    const { traceId, spanId } = newContext()
    const data = { order_id: randomUUIDv7(), user_id: 'nobody', amount: '1.00' }
    const event = createEvent(
      { type: 'RefundRequested', data },
      { id: randomUUIDv7(), time: new Date(), traceparent: `00-${traceId}-${spanId}-01` },
    )
    const connection = await amqp.connect(traced.stack.amqp_url)
    const channel = await connection.createConfirmChannel()
    channel.publish('orders.events', 'refund.requested', Buffer.from(JSON.stringify(event)))
    await channel.waitForConfirms()
    await connection.close()
    const handled = await eventually(() => spansIn(traceId)[0])
    assert.ok(handled.isError)
    assert.equal(handled.attributes['error.type'], 'refund-without-payment')
    const line = await eventually(() =>
      linesOf('payments-consumer').find(({ msg }) => msg === 'dead letter'),
    )
    assert.equal(line.trace_id, traceId)
  })

  /** The lines that a process has logged. */
  function linesOf(name: string): { msg?: string; trace_id?: string }[] {
    const text = readFileSync(join(traced.stack.dir, 'logs', `${name}.log`), 'utf8')
    const lines = text.split('\n').filter((line) => line.startsWith('{'))
    return lines.map((line) => JSON.parse(line))
  }

  it('loses no order while the collector does not answer, and says so once', async () => {
    const names = readdirSync(join(traced.stack.dir, 'logs'))
      .map((file) => file.replace('.log', ''))
      .filter((name) => /^(orders|payments)-/.test(name))
    assert.equal(names.length, 7)
    const logged = new Map(names.map((name) => [name, linesOf(name).length]))
    const outagesOf = (name: string) =>
      linesOf(name)
        .slice(logged.get(name))
        .filter(({ msg = '' }) => msg.startsWith('spans cannot be sent'))
    traced.receiver.mood = 'silent'
    const user = await traced.newUser('200.00')
    const watcher = new OrderSubscriber(traced.stack.gateway)
    const orders = Array.from({ length: 200 }, () =>
      call(traced.stack.gateway, 'POST', '/orders', { body: { user_id: user, amount: '1.00' } }),
    )
    for (const { body } of await Promise.all(orders)) watcher.follow(body.order_id as string)
    await eventually(() => watcher.finals.size === 200)
    watcher.close()
    for (const name of names) await eventually(() => outagesOf(name).length > 0)
    for (const name of names) assert.equal(outagesOf(name).length, 1, name)
  })
})
