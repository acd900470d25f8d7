import assert from 'node:assert/strict'
import { declareTopology } from '#chassis/broker/topology.ts'
import { queues } from '#contracts/topology.ts'
import { useBroker } from '#testing/broker.ts'
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
    } finally {
      await silenced.end()
    }
  })
})
