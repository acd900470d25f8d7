import assert from 'node:assert/strict'
import { queues } from '#contracts/topology.ts'
import { declareTopology } from '#messaging/broker/topology.ts'
import { useBroker } from '#testing/broker.ts'
import { suspendQueue } from '#testing/suspend-queue.ts'
import { brokerReport } from './broker-report.ts'

describe('the report of the broker', function () {
  this.timeout(60_000)
  const broker = useBroker()

  it('has the command that elects a leader, with the internal name of the queue', async function () {
    const topology = { queues: Object.values(queues) }
    await declareTopology({ name: 'test', url: broker.url, topology })
    const report = brokerReport(broker.url)
    assert.deepEqual(await report.leaderlessQueues(), { queues: [], unknown: null })

    broker.channel().sendToQueue('payments-consumer.dlq', Buffer.from('{}'))
    await broker.channel().waitForConfirms()
    const suspended = await suspendQueue(broker.url, 'orders-consumer.dlq')
    if (!suspended) return this.skip()
    const vhost = new URL(broker.url).pathname.slice(1)
    const internalName = `'${vhost}_orders-consumer.dlq'`
    try {
      const remedy = `rabbitmqctl eval "ra:trigger_election({${internalName}, node()})."`
      assert.deepEqual(await report.leaderlessQueues(), {
        queues: [{ queue: 'orders-consumer.dlq', remedy }],
        unknown: null,
      })
      const { letters, uncounted } = await report.deadLetters(true) // the other queue's
      assert.equal(letters.length, 1)
      assert.match(uncounted ?? '', /^orders-consumer.dlq does not answer/)
    } finally {
      await suspended.end()
    }
  })

  it('counts the messages of a queue that does not answer at once', async function () {
    const queue = 'orders-consumer.dlq'
    broker.channel().sendToQueue(queue, Buffer.from('{}'))
    await broker.channel().waitForConfirms()
    if (!(await suspendQueue(broker.url, queue, 1_500))) return this.skip()
    const { queues: found, uncounted } = await brokerReport(broker.url).deadLetters(false)
    const messages = found.find((one) => one.queue === queue)?.messages
    assert.deepEqual([messages, uncounted], [1, null])
  })

  it('says why nothing was counted when the broker is away', async () => {
    const report = brokerReport('amqp://127.0.0.1:9')
    const { queues: none, uncounted } = await report.deadLetters(true)
    assert.deepEqual(none, [])
    assert.match(uncounted ?? '', /The broker cannot be reached: .*ECONNREFUSED/)
    const leaderless = await report.leaderlessQueues()
    assert.deepEqual([leaderless.queues, leaderless.unknown], [[], uncounted])
  })
})
