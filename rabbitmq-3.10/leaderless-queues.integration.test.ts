import assert from 'node:assert/strict'
import { declareTopology } from '#messaging/broker/topology.ts'
import { useBroker } from '#testing/broker.ts'
import { suspendQueue } from '#testing/suspend-queue.ts'
import { leaderlessQueues } from './leaderless-queues.ts'

describe('leaderlessQueues', function () {
  this.timeout(60_000)
  const broker = useBroker()
  const queues = ['all', 'all.dlq', 'nowhere']
  const topology = { queues: [{ queue: 'all', exchange: 'events', routingKeys: ['happened'] }] }

  before(() => declareTopology({ name: 'test', url: broker.url, topology }))

  it('finds none among queues with a leader, with messages, or that do not exist', async () => {
    assert.deepEqual(await leaderlessQueues(broker.url, queues), [])
    await broker.publish({ routingKey: 'all' }, 'hello')
    assert.deepEqual(await leaderlessQueues(broker.url, queues), [])
    assert.equal((await broker.drain('all'))[0]?.fields.redelivered, false)
  })

  it('finds a queue that neither accepts nor delivers, until it has a leader again', async function () {
    const suspended = await suspendQueue(broker.url, 'all.dlq')
    if (!suspended) return this.skip()
    try {
      assert.deepEqual(await leaderlessQueues(broker.url, queues), ['all.dlq'])
    } finally {
      await suspended.end()
    }
    assert.deepEqual(await leaderlessQueues(broker.url, queues), [])
  })
})
