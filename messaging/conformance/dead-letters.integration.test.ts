import assert from 'node:assert/strict'
import { eventually, eventuallyPasses } from '#testing/eventually.ts'
import { dead, queue, to, useInbox } from '#testing/inbox.ts'
import { recordingLogger } from '#testing/logger.ts'
import { proxyTo } from '#testing/proxy.ts'
import { deadLetter, decode, handled, handleUnless, idsOf, newEvent } from '#testing/things.ts'

describe('a message that is given up', () => {
  const { broker, use, consume, send, sendMany, inboxIds, ...those } = useInbox()
  const { hasHandled, nextDeadLetters, isQueueEmpty } = those

  it('since the handler says so, is a dead letter at once, and can be sent again', async () => {
    let times = 0
    const event = newEvent('strange')
    const handleSome = handleUnless(() =>
      ++times === 1 ? deadLetter('strange', 'so odd') : handled,
    )
    await consume({ handle: handleSome })
    const neighbours = await sendMany(3)
    await send(event)
    const [letter] = await nextDeadLetters(1)
    assert.ok(letter)
    assert.equal(letter.properties.headers?.['dead-letter-reason'], 'strange')
    assert.equal(letter.properties.headers?.['last-error'], 'so odd')
    await hasHandled(neighbours)
    assert.deepEqual(await inboxIds(), idsOf(neighbours))

    const { messageId, type, headers } = letter.properties
    await broker.publish({ routingKey: queue }, letter.content, { messageId, type, headers })
    const all = idsOf([event, ...neighbours])
    await eventuallyPasses(async () => assert.deepEqual(await inboxIds(), all))
    assert.equal(times, 2)
  })

  for (const [what, content, contentType, reason] of [
    ['is not JSON', 'no { json', 'application/cloudevents+json', 'not-json'],
    ['is not JSON though it says so', 'no { json', 'application/json', 'not-json'],
    ['is empty', '', undefined, 'not-json'],
    ['has 10 MB', Buffer.alloc(10_000_000, 32), 'application/json', 'too-large'],
  ] as const) {
    it(`is a dead letter at once when it ${what}, and its neighbours are handled`, async () => {
      const before = await sendMany(3)
      await broker.publish({ routingKey: queue }, content, {
        ...(contentType && { contentType }),
        headers: { mine: 'kept' },
      })
      const after = await sendMany(3)
      await consume({ lingerMs: 100, maxAttempts: 100, timing: { retryBaseMs: 60_000 } })
      await hasHandled([...before, ...after])
      const [letter] = await nextDeadLetters(1)
      assert.equal(letter?.properties.headers?.['dead-letter-reason'], reason)
      assert.match(letter?.properties.headers?.['last-error'], /message/)
      assert.equal(letter?.properties.headers?.mine, 'kept')
      assert.equal(letter?.content.length, content.length)
      await eventually(isQueueEmpty)
    })
  }

  it('is given back, not lost, while its dead letter cannot be written', async () => {
    const proxy = use(await proxyTo(broker.url))
    const publishes = ({ label }: { label: string }) => label.includes('consumer publish')
    proxy.disturb({ silent: ['up', 'down'] }, publishes)
    let decoded = 0
    const consumer = await consume({
      brokerUrl: proxy.url,
      decode: (content) => {
        decoded++
        return decode(content)
      },
    })
    await broker.publish({ routingKey: queue }, 'not JSON')
    await eventually(() => decoded > 0)
    assert.equal(await broker.depth(queue), 0)
    await consumer.close()
    await eventuallyPasses(async () => assert.equal(await broker.depth(queue), 1))
    assert.equal(await broker.depth(dead), 0)
  })

  it('finds its queue declared again when it was deleted, and consuming goes on meanwhile', async () => {
    const { logger, said } = recordingLogger()
    await consume({ logger })
    await broker.channel().deleteQueue(dead)
    const bad = [newEvent(), newEvent(), newEvent()].map(({ id }) => id)
    await Promise.all(bad.map((messageId) => broker.publish(to, 'no json', { messageId })))
    await hasHandled(await sendMany(5))
    await eventually(() => said.filter((line) => line === 'dead letter').length === bad.length)
    const letters = await broker.drain(dead)
    assert.deepEqual(letters.map(({ properties }) => properties.messageId).sort(), bad.sort())
  })

  it('leaves headers out that are too large to be sent on', async () => {
    await consume()
    const headers = { padding: 'x'.repeat(65_450) }
    await broker.publish(to, 'no json', { headers })
    const [letter] = await nextDeadLetters(1)
    assert.equal(letter?.properties.headers?.['dead-letter-reason'], 'not-json')
    assert.equal(letter?.properties.headers?.padding, undefined)
  })
})
