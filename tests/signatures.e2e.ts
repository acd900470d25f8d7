import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { randomBytes, randomUUID, randomUUIDv7 } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import amqp, { type GetMessage } from 'amqplib'
import { createEvent } from '#contracts/events.ts'
import { signatureHeader } from '#messaging/signatures/header.ts'
import { signerWith } from '#messaging/signatures/signature.ts'
import { parseSigningKeys } from '#messaging/signatures/signing-keys.ts'
import { call, insist } from '#testing/client.ts'
import { eventually } from '#testing/eventually.ts'
import { type Stack, startStack } from '#testing/stack.ts'

const newKey = (id: string) => `${id}:${randomBytes(32).toString('base64')}`

describe('a stack whose services sign their events', function () {
  this.timeout(180_000)
  const dir = mkdtempSync(join(tmpdir(), 'keys-'))
  const ordersKeys = join(dir, 'orders')
  const [first, second, ofPayments] = [newKey('first'), newKey('second'), newKey('payments')]
  let stack: Stack
  let connection: amqp.ChannelModel
  let channel: amqp.ConfirmChannel
  let copies: string

  before('start it', async () => {
    writeFileSync(ordersKeys, `${first}\n`)
    stack = await startStack({
      env: {
        EVENT_SIGNATURES: 'required',
        ORDERS_EVENT_SIGNING_KEYS_FILE: ordersKeys,
        PAYMENTS_EVENT_SIGNING_KEYS: ofPayments,
      },
    })
    connection = await amqp.connect(stack.amqp_url)
    channel = await connection.createConfirmChannel()
    copies = (await channel.assertQueue('', { exclusive: true })).queue
    for (const exchange of ['orders.events', 'payments.events']) {
      await channel.bindQueue(copies, exchange, '#')
    }
  })
  after('stop it', async () => {
    await connection?.close()
    await stack?.stop()
    rmSync(dir, { recursive: true })
  })

  const newUser = async (balance: string) => {
    const user_id = `s-${randomUUID()}`
    await insist(stack.gateway, '/accounts', { user_id })
    await insist(stack.gateway, `/accounts/${user_id}/topup`, { amount: balance })
    return user_id
  }
  const balanceOf = async (user: string) =>
    (await call(stack.gateway, 'GET', `/accounts/${user}`)).body.balance
  const payOrder = async (user_id: string) => {
    const { body } = await insist(stack.gateway, '/orders', { user_id, amount: '1.00' })
    await eventually(async () => {
      const order = await call(stack.gateway, 'GET', `/orders/${body.order_id}`)
      return order.body.status === 'PAID'
    })
  }
  const requested = (user_id: string) => {
    const data = { order_id: randomUUIDv7(), user_id, amount: '1.00' }
    const stamp = { id: randomUUIDv7(), time: new Date() }
    return Buffer.from(JSON.stringify(createEvent({ type: 'PaymentRequested', data }, stamp)))
  }
  /** What somebody publishes who may do so, and has no key. */
  const publish = async (content: Buffer, headers: object = {}) => {
    channel.publish('orders.events', 'payment.requested', content, { headers })
    await channel.waitForConfirms()
  }
  const takeDeadLetter = (): Promise<GetMessage> =>
    eventually(async () => await channel.get('payments-consumer.dlq', { noAck: true }))
  const reasonOf = ({ properties }: GetMessage) => properties.headers?.['dead-letter-reason']
  const takeCopies = async () => {
    const taken = new Map<unknown, GetMessage>()
    for (;;) {
      const copy = await channel.get(copies, { noAck: true })
      if (!copy) return taken
      taken.set(copy.properties.type, copy)
    }
  }
  const operator = async (...args: string[]) => {
    const { AMQP_URL: _, ORDERS_DATABASE_URL: __, PAYMENTS_DATABASE_URL: ___, ...env } = process.env
    const options = { env: { ...env, LOCAL_DIR: stack.dir } }
    await promisify(execFile)(process.execPath, ['operator/main.ts', ...args], options)
  }

  it('pays an order, and believes nobody else: forged and foreign messages have no effect', async () => {
    const user = await newUser('9.00')
    await payOrder(user)
    const signed = await takeCopies()
    const ofOrders = signed.get('PaymentRequested')
    const reply = signed.get('PaymentSucceeded')
    assert.match(ofOrders?.properties.headers?.[signatureHeader], /^first:/)
    assert.match(reply?.properties.headers?.[signatureHeader], /^payments:/)

    const paymentsSign = signerWith(parseSigningKeys(ofPayments))
    const content = requested(user)
    for (const [headers, reason] of [
      [{}, 'not-signed'],
      [ofOrders?.properties.headers, 'wrong-signature'], // of another event
      [paymentsSign(content, 'orders.events'), 'wrong-signature'], // by the other service
    ] as const) {
      await publish(content, headers)
      assert.equal(reasonOf(await takeDeadLetter()), reason)
    }
    // Again what was handled: the same bytes, signed by the right one.
    await publish(ofOrders?.content as Buffer, ofOrders?.properties.headers)
    await payOrder(user)
    assert.equal(await balanceOf(user), '7.00')
  })

  it('verifies again what an operator redrives', async () => {
    const user = await newUser('9.00')
    await publish(requested(user))
    const depth = async () => (await channel.checkQueue('payments-consumer.dlq')).messageCount
    await eventually(async () => (await depth()) === 1)
    await operator('dlq', 'redrive', '--all')
    const letter = await takeDeadLetter()
    assert.equal(reasonOf(letter), 'not-signed')
    assert.equal(await balanceOf(user), '9.00')
    // The one who has the key may say so.
    await publish(
      letter.content,
      signerWith(parseSigningKeys(first))(letter.content, 'orders.events'),
    )
    await eventually(async () => (await balanceOf(user)) === '8.00')
    assert.equal(
      reasonOf(await eventually(async () => channel.get('orders-consumer.dlq', { noAck: true }))),
      'unknown-order',
    )
  })

  it('gets another key while it runs: first known, then used, then alone', async () => {
    const restart = async (name: string) => {
      const pid = stack.pidOf(name)
      process.kill(pid, 'SIGTERM')
      await eventually(() => stack.pidOf(name) !== pid)
    }
    for (const [keys, id] of [
      [`${first}\n${second}\n`, 'first'],
      [`${second}\n${first}\n`, 'second'],
      [`${second}\n`, 'second'],
    ] as const) {
      writeFileSync(ordersKeys, keys)
      for (const name of ['payments-consumer', 'orders-relay']) await restart(name)
      await takeCopies()
      await payOrder(await newUser('1.00'))
      const ofOrders = (await takeCopies()).get('PaymentRequested')
      assert.match(ofOrders?.properties.headers?.[signatureHeader], new RegExp(`^${id}:`))
    }
    assert.equal((await channel.checkQueue('payments-consumer.dlq')).messageCount, 0)
  })
})
