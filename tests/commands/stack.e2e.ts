import assert from 'node:assert/strict'
import { randomUUIDv7 } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import amqp from 'amqplib'
import { programPath } from '#local/install/system-packages.ts'
import { call, insist } from '#testing/client.ts'
import { eventually } from '#testing/eventually.ts'
import { type Stack, startStack } from '#testing/stack.ts'
import { documentedCommands } from './documented.ts'
import { paste } from './paste.ts'

describe('npm start, and the commands that README and docs show beside it', function () {
  this.timeout(5 * 60_000)
  const letter = randomUUIDv7()
  let stack: Stack
  let order: string

  before(async () => {
    stack = await startStack({ command: ['npm', 'start'] })
    await insist(stack.gateway, '/accounts', { user_id: 'alice' })
    await insist(stack.gateway, '/accounts/alice/topup', { amount: '20.00' })
    const { body } = await insist(stack.gateway, '/orders', { user_id: 'alice', amount: '12.50' })
    order = String(body.order_id)
    const isPaid = async () =>
      (await call(stack.gateway, 'GET', `/orders/${order}`)).body.status === 'PAID'
    await eventually(isPaid)
    await sendUnreadable()
  })

  after(async () => assert.equal(await stack.stop(), 0))

  /** What the examples of docs/operator.md are about. */
  async function sendUnreadable(): Promise<void> {
    const connection = await amqp.connect(stack.amqp_url)
    const channel = await connection.createConfirmChannel()
    const properties = { messageId: letter, type: 'PaymentRequested' }
    channel.publish('orders.events', 'payment.requested', Buffer.from('hello'), properties)
    const letters = async () => (await channel.checkQueue('payments-consumer.dlq')).messageCount
    await eventually(async () => (await letters()) === 1)
    await connection.close()
  }

  /** Not `page`, which runs until it is stopped: tests/browser/operator.e2e.ts runs it. */
  const shown = documentedCommands().filter(
    ({ name, args }) => name === 'operator' && args !== 'page',
  )
  for (const args of new Set(shown.map(({ args }) => args.replace('COMMAND', 'status')))) {
    it(`npm run operator -- ${args}`, async () => {
      const id = args.startsWith('trace') ? order : letter
      const command = `npm run --silent operator -- ${args.replace(/[0-9a-f-]{36}/, id)}`
      const { code, output } = await paste(command, { cwd: '.', env: { LOCAL_DIR: stack.dir } })
      assert.equal(code, args === 'reconcile' ? 1 : 0, output) // it finds the dead letter
      assert.match(output, /dead.letters|not-json|PAID/)
    })
  }

  const broker = /^rabbitmqctl [^\n]+|(?<=`)rabbitmqctl [^`]+/gm
  for (const [command] of readFileSync('docs/operator.md', 'utf8').matchAll(broker)) {
    it(command, async () => {
      const tools = dirname(programPath('rabbitmq-server'))
      const environment = readFileSync(`/proc/${stack.pidOf('rabbitmq')}/environ`, 'utf8')
      const env = Object.fromEntries(environment.split('\0').map((entry) => entry.split(/=(.*)/s)))
      const path = `${tools}:${process.env.PATH}`
      const { code, output } = await paste(command, { cwd: '.', env: { ...env, PATH: path } })
      assert.equal(code, 0, output)
    })
  }
})
