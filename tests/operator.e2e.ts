import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { randomUUID, randomUUIDv7 } from 'node:crypto'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import amqp from 'amqplib'
import { createEvent } from '#contracts/events.ts'
import { deadLetterMessage } from '#messaging/inbox/dead-letter-message.ts'
import { call, insist } from '#testing/client.ts'
import { eventually } from '#testing/eventually.ts'
import { useStack } from '#testing/shared-stack.ts'

const queue = 'payments-consumer'
const dlq = `${queue}.dlq`

describe('npm run operator, on the running stack', function () {
  this.timeout(120_000)
  const stack = useStack()
  let connection: amqp.ChannelModel
  let channel: amqp.ConfirmChannel

  before(async () => {
    connection = await amqp.connect(stack.amqp_url)
    channel = await connection.createConfirmChannel()
  })
  after(() => connection.close())

  const environment = (more: NodeJS.ProcessEnv = {}) => {
    const { AMQP_URL: _, ORDERS_DATABASE_URL: __, PAYMENTS_DATABASE_URL: ___, ...env } = process.env
    return { ...env, LOCAL_DIR: stack.dir, ...more }
  }
  const begin = (args: string[], more: NodeJS.ProcessEnv = {}) =>
    spawn(process.execPath, ['operator/main.ts', ...args], { env: environment(more) })
  const run = async (args: string[], more?: NodeJS.ProcessEnv) => {
    const child = begin(args, more)
    const [out, error, [code]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, 'close'),
    ])
    return { code, out, error, json: args.includes('--json') && out ? JSON.parse(out) : undefined }
  }
  const depthOf = async (name: string) => (await channel.checkQueue(name)).messageCount
  const newUser = async (balance: string) => {
    const user_id = `o-${randomUUID()}`
    await insist(stack.gateway, '/accounts', { user_id })
    await insist(stack.gateway, `/accounts/${user_id}/topup`, { amount: balance })
    return user_id
  }
  const paidOrder = async () => {
    const user_id = await newUser('3.00')
    const { body } = await insist(stack.gateway, '/orders', { user_id, amount: '3.00' })
    const order_id = String(body.order_id)
    await eventually(async () => {
      const order = await call(stack.gateway, 'GET', `/orders/${order_id}`)
      return order.body.status === 'PAID'
    })
    return order_id
  }
  const accountOf = async (user_id: string) =>
    (await call(stack.gateway, 'GET', `/accounts/${user_id}`)).body

  it('lists, shows, redrives and discards a message that nobody can read', async () => {
    const messageId = randomUUIDv7()
    channel.publish('orders.events', 'payment.requested', Buffer.from('hello'), { messageId })
    await eventually(async () => (await depthOf(dlq)) === 1)

    const { code, json } = await run(['dlq', 'list', '--json'])
    assert.equal(code, 0)
    assert.deepEqual(
      json.letters.map(({ id, queue, reason }: Record<string, unknown>) => [id, queue, reason]),
      [[messageId, dlq, 'not-json']],
    )
    const shown = await run(['dlq', 'show', messageId])
    assert.equal(shown.code, 0)
    assert.match(shown.out, /not-json[\s\S]*original-exchange\s+orders\.events[\s\S]*body\nhello\n/)

    const before = json.letters[0].age_ms
    assert.equal((await run(['dlq', 'redrive', messageId])).code, 0)
    await eventually(async () => (await depthOf(dlq)) === 1)
    const again = await run(['dlq', 'list', '--json'])
    assert.ok(again.json.letters[0].age_ms < before + 60_000)
    const { code: found, out } = await run(['dlq', 'discard', messageId, 'nobody', '--json'])
    assert.equal(found, 1)
    assert.deepEqual(JSON.parse(out).missing, ['nobody'])
    assert.equal(await depthOf(dlq), 0)
    assert.equal((await run(['dlq', 'show', messageId])).code, 1)
  })

  it('redrives an event that is older than the inbox only when told to, and warns: only the ledger prevents a second effect', async () => {
    const ancient = '018bcfe5-6800-7000-8000-000000000000' // November 2023
    channel.sendToQueue(dlq, Buffer.from('hello'), { messageId: ancient })
    await channel.waitForConfirms()
    const refused = await run(['dlq', 'redrive', ancient])
    assert.deepEqual([refused.code, await depthOf(dlq)], [1, 1])
    assert.match(refused.out, /^Redriven 0 dead letters\.\nLeft in their places: 1 event older/)
    const { code, out } = await run(['dlq', 'redrive', ancient, '--beyond-inbox'])
    assert.equal(code, 0)
    assert.match(
      out,
      /^Redriven 1 dead letter\.\nWarning: 1 event older than the inbox: only the ledger, or /,
    )
    await eventually(async () => (await depthOf(dlq)) === 1) // nobody can read it this time either
    assert.equal((await run(['dlq', 'discard', ancient])).code, 0)
  })

  it('charges once for each of 500 dead letters, redriven over three SIGKILLs', async () => {
    const user_id = await newUser('500.00')
    for (let n = 0; n < 500; n++) {
      const data = { order_id: randomUUIDv7(), user_id, amount: '1.00' }
      const event = createEvent(
        { type: 'PaymentRequested', data },
        { id: randomUUIDv7(), time: new Date() },
      )
      const origin = { exchange: 'orders.events', routingKey: 'payment.requested', headers: {} }
      const properties = { type: event.type, contentType: 'x/y' }
      const delivery = { ...origin, messageId: event.id, properties }
      const content = Buffer.from(JSON.stringify(event))
      const death = { reason: 'attempts-exhausted', error: 'bad luck', attempts: 6, at: new Date() }
      const letter = deadLetterMessage({ ...delivery, content } as never, queue, death, true)
      const { id: messageId, headers } = letter
      channel.sendToQueue(dlq, content, { ...letter.properties, messageId, headers })
    }
    await channel.waitForConfirms()

    for (const left of [499, 300, 100]) {
      const killed = begin(['dlq', 'redrive', '--all', '--rate', '100'])
      const closed = once(killed, 'close')
      const isSoFar = async () => Number((await accountOf(user_id)).balance) <= left
      await eventually(isSoFar, { timeoutMs: 30_000 })
      killed.kill('SIGKILL')
      assert.deepEqual(await closed, [null, 'SIGKILL'])
    }

    const { code, json } = await run(['dlq', 'redrive', '--queue', queue, '--json'])
    assert.deepEqual([code, json.error, json.missing], [0, null, []])
    await eventually(async () => (await accountOf(user_id)).balance === '0.00', {
      timeoutMs: 30_000,
    })
    assert.equal((await accountOf(user_id)).version, 501)
    assert.equal(await depthOf(dlq), 0)

    // Nobody has placed these orders: their debits are wrong, and so are the replies about them.
    await eventually(async () => (await depthOf('orders-consumer.dlq')) === 500)
    const reconciled = await run(['reconcile', '--json'])
    assert.equal(reconciled.code, 1)
    const mine = reconciled.json.findings.filter(
      (one: { user_id: string }) => one.user_id === user_id,
    )
    assert.equal(mine.length, 500)
    assert.ok(mine.every((one: { kind: string }) => one.kind === 'debit-without-order'))
    const dead = reconciled.json.findings.find(
      ({ kind }: { kind: string }) => kind === 'dead-letters',
    )
    assert.equal(dead.queue, 'orders-consumer.dlq')

    const discard = ['dlq', 'discard', '--queue', 'orders-consumer.dlq']
    assert.equal((await run(discard)).code, 2)
    assert.equal(await depthOf('orders-consumer.dlq'), 500)
    assert.equal((await run([...discard, '--yes'])).code, 0)
    assert.equal(await depthOf('orders-consumer.dlq'), 0)
  })

  it('traces an order from hop to hop', async () => {
    const order_id = await paidOrder()
    const trace = () => run(['trace', order_id, '--json'])
    const { json } = await eventually(async () => {
      const traced = await trace() // the relay marks what it has published a little later
      return traced.json.steps.every(({ at }: { at: string | null }) => at) && traced
    })
    assert.deepEqual(
      json.steps.map(({ stage }: { stage: string }) => stage),
      ['accepted', 'relayed', 'received', 'charged', 'reply_relayed', 'reply_received', 'settled'],
    )
    assert.equal(json.status, 'PAID')
    assert.deepEqual(json.dead_letters, [])
    assert.equal((await run(['trace', randomUUIDv7()])).code, 1)
  })

  it('finds the dead letter of an order when it traces it', async () => {
    const order_id = randomUUIDv7() // Orders has never heard of it
    const [messageId, other] = [randomUUIDv7(), randomUUIDv7()]
    const headers = { 'dead-letter-reason': 'contradiction', 'last-error': 'it disagrees' }
    const putDeadLetter = (id: string, about: string) => {
      const content = JSON.stringify({ type: 'PaymentRequested', data: { order_id: about } })
      channel.sendToQueue(dlq, Buffer.from(content), { messageId: id, headers })
    }
    putDeadLetter(other, randomUUIDv7())
    putDeadLetter(messageId, order_id)
    await channel.waitForConfirms()

    const { code, json } = await run(['trace', order_id, '--json'])
    assert.equal(code, 1)
    const found = json.dead_letters.map((one: Record<string, unknown>) => [one.id, one.queue])
    assert.deepEqual([json.status, found], [null, [[messageId, dlq]]])
    const { out } = await run(['trace', order_id])
    const said = `Dead letter ${messageId} in ${dlq}: contradiction (it disagrees)`
    assert.ok(out.split('\n').includes(said), out)
    assert.equal((await run(['dlq', 'discard', messageId, other])).code, 0)
  })

  it('shows what the databases know when the broker is away, says why, and exits with 2', async () => {
    const away = {
      AMQP_URL: 'amqp://127.0.0.1:9',
      ORDERS_DATABASE_URL: stack.orders_database_url,
      PAYMENTS_DATABASE_URL: stack.payments_database_url,
    }
    const order_id = await paidOrder()
    const ends = [run(['status', '--json'], away), run(['trace', order_id, '--json'], away)]
    const [status, trace] = await Promise.all(ends)
    assert.deepEqual([status?.json.queues, status?.json.dead_letters], [null, null])
    assert.equal(typeof status?.json.orders.pending, 'number')
    assert.deepEqual([trace?.json.status, trace?.json.dead_letters], ['PAID', null])
    for (const { code, error } of [status!, trace!]) {
      assert.equal(code, 2)
      assert.match(error, /^The broker cannot be reached.*\n$/)
    }
  })

  it('shows the status, through npm as well, in nothing but JSON', async () => {
    const npm = spawn('npm', ['run', '--silent', 'operator', '--', 'status', '--json'], {
      env: environment(),
    })
    const [out, [code]] = await Promise.all([text(npm.stdout), once(npm, 'close')])
    assert.equal(code, 0)
    const status = JSON.parse(out)
    assert.equal(status.outboxes.orders.unpublished, 0)
    assert.deepEqual(
      status.queues.map(({ queue, consumers }: Record<string, unknown>) => [queue, consumers]),
      [
        ['payments-consumer', 2],
        ['orders-consumer', 2],
      ],
    )
  })

  it('says what to do when it cannot run, and exits with 2', async () => {
    const cases = [
      [['dlq'], {}, /^dlq needs a subcommand\. Choose from: dlq list/],
      [['fly'], {}, /^Unknown command: fly\. Choose from: status/],
      [['dlq', 'redrive'], {}, /^dlq redrive takes ids, --queue or --all/],
      [['reconcile', '--older-than', 'soon'], {}, /^--older-than takes a time such as 60s/],
      [['status'], { LOCAL_DIR: '/nowhere' }, /^No stack is running here: start it with npm start/],
      [['dlq', 'list'], { AMQP_URL: 'amqp://127.0.0.1:9' }, /^The broker cannot be reached/],
    ] as const
    const ends = await Promise.all(cases.map(([args, env]) => run([...args], env)))
    for (const [index, [args, , sentence]] of cases.entries()) {
      const { code, out, error } = ends[index]!
      assert.deepEqual([code, out], [2, ''], args.join(' '))
      assert.match(error, sentence)
      assert.ok(error.split('\n').length <= 4, error)
    }
  })
})
