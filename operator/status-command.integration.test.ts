import assert from 'node:assert/strict'
import { declareTopology } from '#chassis/broker/topology.ts'
import { queues } from '#contracts/topology.ts'
import { useBroker } from '#testing/broker.ts'
import { useDatabase } from '#testing/database.ts'
import type { Status } from './status.ts'
import { statusCommand } from './status-command.ts'

describe('operator status', function () {
  this.timeout(60_000)
  const broker = useBroker()
  const orders = useDatabase('orders')
  const payments = useDatabase('payments')

  it('says that its depth of a queue is of what is ready', async () => {
    const topology = { queues: Object.values(queues) }
    await declareTopology({ name: 'test', url: broker.url, topology })
    const { queue } = queues.paymentsConsumer
    await broker.publish({ routingKey: queue }, 'held')
    const held = await broker.channel().get(queue)
    await broker.publish({ routingKey: queue }, 'ready')
    await broker.publish({ routingKey: `${queue}.dlq` }, 'dead')

    const env = {
      AMQP_URL: broker.url,
      ORDERS_DATABASE_URL: orders.url,
      PAYMENTS_DATABASE_URL: payments.url,
    }
    const { text, json } = await statusCommand.run({ words: [], values: {}, env })
    if (held) broker.channel().nack(held)
    assert.match(text, /^queue payments-consumer, ready +1 +- +\d consuming$/m)
    assert.match(text, /^dead letters payments-consumer\.dlq, ready +1 /m)
    const [state] = (json as Status).queues
    assert.deepEqual([state?.queue, state?.messages], [queue, 1])
  })
})
