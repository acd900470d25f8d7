import assert from 'node:assert/strict'
import { sql } from 'kysely'
import { eventIdsOf } from '#testing/event-ids.ts'
import { eventually, eventuallyPasses } from '#testing/eventually.ts'
import { dead, to, useInbox } from '#testing/inbox.ts'
import { useOutbox } from '#testing/outbox.ts'
import { deadLetter, handle, handled, handleUnless, idsOf, newEvent } from '#testing/things.ts'
import { sharedContentType } from '../broker/shared-message.ts'

const events = (count: number, type?: string) => Array.from({ length: count }, () => newEvent(type))

describe('a relay with many events of one route', () => {
  const { database, broker, relay, append, outbox, allPublished } = useOutbox()

  it('lets ten share a message by default, and each event is published once', async () => {
    const ids = await append(25)
    relay()
    await allPublished()
    const messages = await broker.drain('all')
    assert.deepEqual(
      messages.map((message) => eventIdsOf(message).length).sort(),
      [10, 10, 5].sort(),
    )
    assert.deepEqual(messages.flatMap(eventIdsOf).sort(), ids)
    assert.deepEqual(new Set((await outbox()).map((row) => row.publish_attempts)), new Set([1]))
  })

  it('lets none share where that is off', async () => {
    await append(25)
    relay({ eventsPerMessage: 1 })
    await allPublished()
    assert.equal((await broker.drain('all')).length, 25)
  })

  it('lets none share that failed before', async () => {
    const ids = await append(25)
    await database.rows(sql`UPDATE outbox SET publish_attempts = 1`)
    relay({ eventsPerMessage: 10 })
    await allPublished()
    const messages = (await broker.drain('all')).map(eventIdsOf)
    assert.deepEqual(
      messages.sort(),
      ids.map((id) => [id]),
    )
  })

  it('counts each event of a message that no queue takes', async () => {
    await append(10, 'Unheard')
    relay({ eventsPerMessage: 10 })
    const rows = async () =>
      (await outbox()).map(({ publish_attempts, last_error }) => publish_attempts > 0 && last_error)
    await eventually(async () => (await rows()).every((error) => error))
    assert.deepEqual(new Set(await rows()), new Set(['no queue for anything at unbound']))
  })
})

describe('a consumer of messages that events share', () => {
  const { broker, consume, redeliver, effectIds, inboxIds, ...those } = useInbox()
  const { hasHandled, nextDeadLetters, isQueueEmpty, deadLetters, attempts } = those
  const share = (lines: (object | string)[]) => {
    const text = lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line)))
    return broker.publish(to, text.join('\n'), { contentType: sharedContentType })
  }

  it('handles each event once, also one that is there twice', async () => {
    const [twice = newEvent(), ...others] = events(12)
    await consume()
    await share([twice, ...others])
    await share([twice])
    await hasHandled([twice, ...others])
    await eventuallyPasses(async () =>
      assert.deepEqual(await inboxIds(), idsOf([twice, ...others])),
    )
    await eventually(isQueueEmpty)
  })

  it('gives up one event of it alone, as the message that the event would have been', async () => {
    const [good, strange] = [events(5), newEvent('strange')]
    await consume({
      handle: handleUnless(({ note }) =>
        note === 'strange' ? deadLetter('strange', 'odd') : handled,
      ),
    })
    await share([...good.slice(0, 2), strange, 'no json', ...good.slice(2)])
    await hasHandled(good)
    const letters = await nextDeadLetters(2)
    const letter = letters.find(({ properties }) => properties.messageId === strange.id)
    assert.deepEqual(JSON.parse(letter?.content.toString() ?? ''), strange)
    const { type, contentType } = letter?.properties ?? {}
    assert.deepEqual([type, contentType], ['Thing', 'application/cloudevents+json'])
    const other = letters.find((one) => one !== letter)
    assert.equal(other?.content.toString(), 'no json')
    await eventually(isQueueEmpty)
  })

  it('retries one event of it alone, and the message is done when that event is', async () => {
    const [good, failing] = [events(5), newEvent('failing')]
    let fails = true
    const consumer = await consume({
      maxAttempts: 100,
      handle: handleUnless(({ note }) => {
        if (note === 'failing' && fails) throw new Error('not now')
        return handled
      }),
    })
    await share([...good, failing])
    await hasHandled(good)
    assert.deepEqual(await inboxIds(), idsOf(good))
    fails = false
    await eventuallyPasses(async () =>
      assert.deepEqual(await inboxIds(), idsOf([...good, failing])),
    )
    await consumer.close()
    assert.ok(await isQueueEmpty())
    assert.equal((await attempts()).length, 0)
  })

  it('gets the whole message again after a crash, and handles what was not handled', async () => {
    const [before, after] = [events(3), events(3)]
    await share(before)
    const first = await consume()
    await hasHandled(before)
    await first.close()
    await share([...before, ...after])
    await redeliver(1)
    await consume()
    await hasHandled([...before, ...after])
    await eventually(isQueueEmpty)
    assert.equal(await deadLetters(), 0)
  })

  it('gives the whole message back when it is stopped in the midst of it', async () => {
    const many = events(4)
    const started = Promise.withResolvers<void>()
    const goOn = Promise.withResolvers<void>()
    const consumer = await consume({
      ...{ batchSize: 2, concurrency: 1 },
      handle: async (trx, some) => {
        started.resolve()
        await goOn.promise
        return handle(trx, some)
      },
    })
    await share(many)
    await started.promise
    const closing = consumer.close()
    goOn.resolve()
    await closing
    assert.equal((await effectIds()).length, 2)
    await eventuallyPasses(async () => assert.equal(await broker.depth('things'), 1))
    await consume()
    await hasHandled(many)
    await eventually(isQueueEmpty)
    assert.equal(await broker.depth(dead), 0)
  })
})
