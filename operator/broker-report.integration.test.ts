import assert from 'node:assert/strict'
import { queues } from '#contracts/topology.ts'
import { declareTopology } from '#messaging/broker/topology.ts'
import { useBroker } from '#testing/broker.ts'
import { silence } from '#testing/silence.ts'
import { mailAt } from './broker-report.ts'

describe('the mail of the operator', function () {
  this.timeout(60_000)
  const broker = useBroker()

  it('tells of a silent queue by the name that the broker knows it by', async function () {
    const topology = { queues: Object.values(queues) }
    await declareTopology({ name: 'test', url: broker.url, topology })
    const mail = mailAt(broker.url)
    assert.deepEqual(await mail.silentQueues(), { queues: [], unasked: null })

    broker.channel().sendToQueue('payments-consumer.dlq', Buffer.from('{}'))
    await broker.channel().waitForConfirms()
    const silenced = await silence(broker.url, 'orders-consumer.dlq')
    if (!silenced) return this.skip()
    const vhost = new URL(broker.url).pathname.slice(1)
    const inside = `'${vhost}_orders-consumer.dlq'`
    try {
      const remedy = `rabbitmqctl eval "ra:trigger_election({${inside}, node()})."`
      assert.deepEqual(await mail.silentQueues(), {
        queues: [{ queue: 'orders-consumer.dlq', remedy }],
        unasked: null,
      })
      const { letters, uncounted } = await mail.deadLetters(true) // the other queue's
      assert.equal(letters.length, 1)
      assert.match(uncounted ?? '', /^orders-consumer.dlq does not answer/)
    } finally {
      await silenced.end()
    }
  })

  it('counts what a queue has that does not answer at once', async function () {
    const queue = 'orders-consumer.dlq'
    broker.channel().sendToQueue(queue, Buffer.from('{}'))
    await broker.channel().waitForConfirms()
    if (!(await silence(broker.url, queue, 1_500))) return this.skip()
    const { queues: found, uncounted } = await mailAt(broker.url).deadLetters(false)
    const messages = found.find((one) => one.queue === queue)?.messages
    assert.deepEqual([messages, uncounted], [1, null])
  })

  it('says why nothing was counted when the broker is away', async () => {
    const mail = mailAt('amqp://127.0.0.1:9')
    const { queues: none, uncounted } = await mail.deadLetters(true)
    assert.deepEqual(none, [])
    assert.match(uncounted ?? '', /The broker cannot be reached: .*ECONNREFUSED/)
    const silent = await mail.silentQueues()
    assert.deepEqual([silent.queues, silent.unasked], [[], uncounted])
  })
})
