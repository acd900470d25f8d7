import assert from 'node:assert/strict'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Message } from 'amqplib'
import fc from 'fast-check'
import { AckBatcher } from './ack-batcher.ts'

/**
 * What a broker makes of the answers on a channel: which messages it forgot, and which it has back.
 */
function channelOf(count: number) {
  const messages = Array.from({ length: count }, (_, tag) => ({ fields: { deliveryTag: tag } }))
  const open = new Set(messages.keys())
  const acked: number[] = []
  const requeued: number[] = []
  let sent = 0
  const settle = (message: Message, list: number[], allUpTo = false) => {
    sent++
    const { deliveryTag } = message.fields
    const settled = allUpTo ? [...open].filter((tag) => tag <= deliveryTag) : [deliveryTag]
    for (const tag of settled) assert.ok(open.delete(tag), `${tag} was settled twice`)
    list.push(...settled)
  }
  return {
    messages: messages as unknown as Message[],
    acked,
    requeued,
    sent: () => sent,
    ack: (message: Message, allUpTo?: boolean) => settle(message, acked, allUpTo),
    nack: (message: Message, allUpTo?: boolean) => settle(message, requeued, allUpTo),
  }
}

describe('AckBatcher', () => {
  function trackedBy(count: number) {
    const channel = channelOf(count)
    const batcher = new AckBatcher(channel)
    for (const message of channel.messages) batcher.track(message)
    return { channel, batcher }
  }

  it('acknowledges a batch with one answer', async () => {
    const { channel, batcher } = trackedBy(100)
    for (const message of channel.messages) batcher.ack(message)
    await nextTurn()
    assert.equal(channel.acked.length, 100)
    assert.equal(channel.sent(), 1)
  })

  it('gives a batch back with one answer, and needs three for a batch with one in the middle', async () => {
    const { channel, batcher } = trackedBy(100)
    for (const message of channel.messages.slice(0, 40)) batcher.requeue(message)
    batcher.ack(channel.messages[40] as Message)
    for (const message of channel.messages.slice(41)) batcher.requeue(message)
    await nextTurn()
    assert.deepEqual(channel.acked, [40])
    assert.equal(channel.requeued.length, 99)
    assert.equal(channel.sent(), 3)
  })

  it('lets nobody wait for a neighbour that is still open', async () => {
    const { channel, batcher } = trackedBy(10)
    for (const message of channel.messages)
      if (message.fields.deliveryTag !== 3) batcher.ack(message)
    await nextTurn()
    assert.deepEqual(channel.acked.sort(), [0, 1, 2, 4, 5, 6, 7, 8, 9])
    assert.equal(channel.sent(), 7)
  })

  it('answers each message once, as it was settled, in whatever order and how often that is', async () => {
    const step = fc.record({
      tag: fc.nat(19),
      how: fc.constantFrom('ack', 'requeue'),
      thenFlush: fc.boolean(),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const { channel, batcher } = trackedBy(20)
        const first = new Map<number, string>()
        for (const { tag, how, thenFlush } of steps) {
          if (!first.has(tag)) first.set(tag, how)
          batcher[how as 'ack'](channel.messages[tag] as Message)
          if (thenFlush) await nextTurn()
        }
        await nextTurn()
        const tagsOf = (how: string) => [...first].flatMap(([tag, h]) => (h === how ? [tag] : []))
        assert.deepEqual(new Set(channel.acked), new Set(tagsOf('ack')))
        assert.deepEqual(new Set(channel.requeued), new Set(tagsOf('requeue')))
      }),
    )
  })

  it('says when nothing is in hand any more', async () => {
    const { channel, batcher } = trackedBy(3)
    let isEmpty = false
    const empty = batcher.drained().then(() => {
      isEmpty = true
    })
    const [a, b, c] = channel.messages as [Message, Message, Message]
    batcher.ack(a)
    batcher.requeue(b)
    await nextTurn()
    assert.equal(isEmpty, false)
    batcher.ack(c)
    await empty
    await batcher.drained()
  })

  it('says nothing on a channel that is closed', async () => {
    const closed = () => {
      throw Object.assign(new Error('Channel closed'), { name: 'IllegalOperationError' })
    }
    const batcher = new AckBatcher({ ack: closed, nack: closed })
    const [one, two] = channelOf(2).messages as [Message, Message]
    batcher.track(one)
    batcher.track(two)
    batcher.ack(one)
    batcher.requeue(two)
    await batcher.drained()
  })
})
