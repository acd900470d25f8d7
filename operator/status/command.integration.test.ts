import assert from 'node:assert/strict'
import { queues } from '#contracts/topology.ts'
import { declareTopology } from '#messaging/broker/topology.ts'
import { useBroker } from '#testing/broker.ts'
import { useDatabase } from '#testing/database.ts'
import { statusCommand } from './command.ts'
import type { Status } from './status.ts'

describe('operator status', function () {
  this.timeout(60_000)
  const broker = useBroker()
  const orders = useDatabase('orders')
  const payments = useDatabase('payments')
  const status = (amqpUrl: string) => {
    const env = {
      AMQP_URL: amqpUrl,
      ORDERS_DATABASE_URL: orders.url,
      PAYMENTS_DATABASE_URL: payments.url,
    }
    return statusCommand.run({ positionals: [], values: {}, env, role: 'operator-viewer' })
  }

  it('says that its depth of a queue is of what is ready', async () => {
    const topology = { queues: Object.values(queues) }
    await declareTopology({ name: 'test', url: broker.url, topology })
    const { queue } = queues.paymentsConsumer
    await broker.publish({ routingKey: queue }, 'held')
    const held = await broker.channel().get(queue)
    await broker.publish({ routingKey: queue }, 'ready')
    await broker.publish({ routingKey: `${queue}.dlq` }, 'dead')

    const { text, json } = await status(broker.url)
    if (held) broker.channel().nack(held)
    assert.match(text, /^queue payments-consumer, ready +1 +- +\d consuming$/m)
    assert.match(text, /^dead letters payments-consumer\.dlq, ready +1 /m)
    const [state] = (json as Status).queues ?? []
    assert.deepEqual([state?.queue, state?.messages], [queue, 1])
  })

  it('shows what the databases know when the broker is away, and why that is all', async () => {
    const report = await status('amqp://127.0.0.1:9')
    const { queues, dead_letters, ...known } = report.json as Status
    assert.deepEqual([queues, dead_letters, known.orders.pending], [null, null, 0])
    assert.match(report.text, /^orders pending +0 /m)
    for (const what of ['queue orders-consumer', 'dead letters orders-consumer\\.dlq']) {
      assert.match(report.text, new RegExp(`^${what}, ready +unknown +- +-$`, 'm'))
    }
    const { error } = report as { error?: Error }
    assert.match(error?.message ?? '', /^The broker cannot be reached/)
  })
})
