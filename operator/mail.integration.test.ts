import assert from 'node:assert/strict'
import { declareTopology } from '#chassis/broker/topology.ts'
import { queues } from '#contracts/topology.ts'
import { useBroker } from '#testing/broker.ts'
import { eventually } from '#testing/eventually.ts'
import { silence } from '#testing/silence.ts'
import { mailAt } from './mail.ts'

describe('the mail of the operator', function () {
  this.timeout(60_000)
  const broker = useBroker()

  it('tells of a silent queue by the name that the broker knows it by', async function () {
    const topology = { queues: Object.values(queues) }
    await declareTopology({ name: 'test', url: broker.url, topology })
    const mail = mailAt(broker.url)
    assert.deepEqual(await mail.silentQueues(), [])

    broker.channel().sendToQueue('payments-consumer.dlq', Buffer.from('{}'))
    await broker.channel().waitForConfirms()
    const silenced = await silence(broker.url, 'orders-consumer.dlq')
    if (!silenced) return this.skip()
    const vhost = new URL(broker.url).pathname.slice(1)
    const inside = `'${vhost}_orders-consumer.dlq'`
    try {
      assert.deepEqual(await mail.silentQueues(), [
        {
          queue: 'orders-consumer.dlq',
          remedy: `rabbitmqctl eval "ra:trigger_election({${inside}, node()})."`,
        },
      ])
      const { letters, uncounted } = await mail.deadLetters(true) // the other queue's
      assert.deepEqual([letters.length, uncounted], [1, null])
    } finally {
      await silenced.end()
    }
  })

  it('counts what a queue has that does not answer at once', async function () {
    const queue = 'orders-consumer.dlq'
    broker.channel().sendToQueue(queue, Buffer.from('{}'))
    await broker.channel().waitForConfirms()
    const silenced = await silence(broker.url, queue)
    if (!silenced) return this.skip()
    const counting = mailAt(broker.url).deadLetters(false)
    const isAsked = async () => (await broker.connections()).length > 0
    await eventually(isAsked)
    await silenced.end()
    const found = (await counting).queues.find((one) => one.queue === queue)
    assert.equal(found?.messages, 1)
  })

  it('says why nothing was counted when the broker is away', async () => {
    const mail = mailAt('amqp://127.0.0.1:9')
    const { queues: none, uncounted } = await mail.deadLetters(true)
    assert.deepEqual(none, [])
    assert.match(uncounted ?? '', /The broker cannot be reached: .*ECONNREFUSED/)
    assert.deepEqual(await mail.silentQueues(), [])
  })
})
