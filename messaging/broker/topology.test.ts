import assert from 'node:assert/strict'
import { queues } from '#contracts/topology.ts'
import { deadLetterQueue, rascalConfig } from './topology.ts'

const options = { name: 'me', url: 'amqp://broker/vhost' }
interface Config {
  vhosts: {
    broker: {
      exchanges: Record<string, { type: string; options: object }>
      queues: Record<string, { options: { durable: boolean; arguments: Record<string, unknown> } }>
      bindings: Record<string, object>
      connection: { options: { heartbeat: number } }
    }
  }
}
const brokerOf = (topology: Parameters<typeof rascalConfig>[0]['topology']) =>
  (rascalConfig({ ...options, topology }) as unknown as Config).vhosts.broker

describe('rascalConfig', () => {
  const queue = queues.ordersConsumer
  const broker = brokerOf({ queues: [queue] })
  const queueArguments = broker.queues[queue.queue]?.options.arguments ?? {}

  it('declares durable quorum queues', () => {
    for (const name of [queue.queue, deadLetterQueue(queue.queue)]) {
      assert.equal(broker.queues[name]?.options.durable, true)
      assert.equal(broker.queues[name]?.options.arguments['x-queue-type'], 'quorum')
    }
  })

  it('sets a delivery limit that neither -1 nor the default of RabbitMQ 4 would be', () => {
    assert.ok(Number(queueArguments['x-delivery-limit']) >= 1_000)
  })

  it('loses no dead letter when its queue is away', () => {
    assert.equal(queueArguments['x-dead-letter-strategy'], 'at-least-once')
    assert.equal(queueArguments['x-overflow'], 'reject-publish') // which the former needs
    assert.equal(queueArguments['x-dead-letter-exchange'], '')
    assert.equal(queueArguments['x-dead-letter-routing-key'], deadLetterQueue(queue.queue))
  })

  it('lets dead letters lie however often somebody looks: no limit, no way on', () => {
    const letters = broker.queues[deadLetterQueue(queue.queue)]?.options.arguments
    assert.deepEqual(letters, { 'x-queue-type': 'quorum', 'x-delivery-limit': 2_147_483_647 })
  })

  it('binds the queue to its exchange by each key', () => {
    assert.deepEqual(Object.values(broker.bindings), [
      {
        source: queue.exchange,
        destination: queue.queue,
        destinationType: 'queue',
        bindingKeys: ['payment.succeeded', 'payment.failed'],
        ...Object.values(broker.bindings)[0],
      },
    ])
  })

  it('declares the exchange of a queue once, durable, also when it is named twice', () => {
    const { exchanges } = brokerOf({ exchanges: [queue.exchange, 'other'], queues: [queue] })
    const declared = Object.keys(exchanges).filter((name) => name !== '')
    assert.deepEqual(declared, [queue.exchange, 'other'])
    assert.equal(exchanges[queue.exchange]?.type, 'topic')
    assert.deepEqual(exchanges[queue.exchange]?.options, { durable: true })
  })

  it('notices a dead connection within 15 seconds, which are three heartbeats and some', () => {
    assert.ok(broker.connection.options.heartbeat * 3 < 14)
  })
})
