import assert from 'node:assert/strict'
import { randomUUIDv7 } from 'node:crypto'
import { useBroker } from '#testing/broker.ts'
import { useDatabase } from '#testing/database.ts'
import { withQueueBrowser } from '../dead-letters/broker/queue-browser.ts'
import { traceCommand } from './command.ts'
import type { Trace } from './trace.ts'

describe('operator trace, when the dead letters cannot be looked at', function () {
  this.timeout(60_000)
  const broker = useBroker()
  const orders = useDatabase('orders')
  const payments = useDatabase('payments')
  const order_id = randomUUIDv7()

  const run = async (id: string, amqpUrl: string) => {
    const env = {
      AMQP_URL: amqpUrl,
      ORDERS_DATABASE_URL: orders.url,
      PAYMENTS_DATABASE_URL: payments.url,
    }
    const role = 'operator-viewer'
    const report = await traceCommand.run({ positionals: [id], values: {}, env, role })
    const { error } = report as { error?: Error & { code?: string } }
    return { text: report.text, json: report.json as Trace, error }
  }

  before('an order', async () => {
    const order = { order_id, user_id: 'alice', amount: '2.00' }
    await orders.db
      .insertInto('orders')
      .values(order as never)
      .execute()
  })

  it('shows what the databases know when the broker is away', async () => {
    const { text, json, error } = await run(order_id, 'amqp://127.0.0.1:9')
    assert.deepEqual([json.steps[0]?.stage, json.dead_letters], ['accepted', null])
    assert.match(text, /PAYMENT_PENDING[\s\S]*\naccepted [\s\S]*\nDead letters: unknown$/)
    assert.equal(error?.code, 'unavailable')
    const unheard = await run(randomUUIDv7(), 'amqp://127.0.0.1:9')
    assert.deepEqual([unheard.json.steps, unheard.json.dead_letters], [[], null])
    assert.match(unheard.text, /^Neither database knows order/)
    assert.equal(unheard.error?.code, 'unavailable')
  })

  it('shows it when another operator stays at them, after ten seconds', async () => {
    const { json, error } = await withQueueBrowser(broker.url, async (other) => {
      await other.lock()
      return run(order_id, broker.url)
    })
    assert.deepEqual([json.steps[0]?.stage, json.dead_letters], ['accepted', null])
    assert.equal(error?.code, 'conflict')
  })
})
