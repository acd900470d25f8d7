import assert from 'node:assert/strict'
import { sql } from 'kysely'
import { EnvironmentError } from '#chassis/errors.ts'
import { eventually, eventuallyPasses } from '#testing/eventually.ts'
import { queue, useInbox } from '#testing/inbox.ts'
import { recordingLogger } from '#testing/logger.ts'
import { type Handle, handled, handleUnless, idsOf, newEvent } from '#testing/things.ts'

describe('an event that fails', () => {
  const { database, broker, consume, send, sendMany, inboxIds, ...those } = useInbox()
  const { hasHandled, nextDeadLetters, isQueueEmpty, deadLetters } = those
  const areInInbox = (ids: string[]) =>
    eventuallyPasses(async () => assert.deepEqual(await inboxIds(), ids))

  it('is split off: its neighbours are handled', async () => {
    const failing = newEvent('fails')
    const handleSome = handleUnless(() => Promise.reject(new Error('no good')))
    const events = await sendMany(20)
    await send(failing)
    const { logger, lines } = recordingLogger()
    await consume({ handle: handleSome, lingerMs: 200, maxAttempts: 2, logger })
    await hasHandled(events)
    const [letter] = await nextDeadLetters(1)
    assert.equal(letter?.properties.messageId, failing.id)
    const failures = lines.filter(({ msg }) => msg.startsWith('attempt '))
    assert.deepEqual(
      failures.map((line) => [line.message_id, line.msg.replace(/\d+ ms$/, '… ms')]),
      [
        [failing.id, 'attempt 1 of 2 failed, retry in … ms'],
        [failing.id, 'attempt 2 of 2 failed, to be dead-lettered'],
      ],
    )
    assert.deepEqual(await inboxIds(), idsOf(events))
  })

  it('is tried again after growing waits, and is then a dead letter that says why', async () => {
    const times: number[] = []
    const failing = newEvent('fails')
    const handleSome = handleUnless(() => {
      times.push(performance.now())
      return Promise.reject(new Error(`no good, time ${times.length}`))
    })
    await consume({ handle: handleSome, maxAttempts: 3, timing: { retryBaseMs: 40 } })
    await send(failing)
    const [letter] = await nextDeadLetters(1)
    assert.equal(times.length, 3)
    const [first = 0, second = 0, third = 0] = times
    assert.ok(second - first >= 39, `first wait ${second - first}`) // 40 to 80 ms
    assert.ok(third - second >= 79, `second wait ${third - second}`) // 80 to 160 ms
    assert.deepEqual(JSON.parse(String(letter?.content)), failing)
    const { headers, type, contentType } = letter?.properties ?? {}
    assert.deepEqual([type, contentType], ['Thing', 'application/cloudevents+json'])
    assert.equal(headers?.['dead-letter-reason'], 'attempts-exhausted')
    assert.match(headers?.['last-error'], /no good, time 3/)
    assert.equal(headers?.attempts, 3)
    assert.equal(headers?.['original-queue'], queue)
    assert.equal(headers?.['original-exchange'], 'things')
    assert.equal(headers?.['original-routing-key'], 'thing')
    assert.ok(!Number.isNaN(Date.parse(headers?.['dead-lettered-at'])))
    await eventually(isQueueEmpty)
  })

  it('is handled when the reason passes before its attempts are used up', async () => {
    let tries = 0
    const event = newEvent('fails once')
    const handleSome = handleUnless(() => {
      if (++tries === 1) throw new Error('not yet')
      return handled
    })
    await consume({ handle: handleSome })
    await send(event)
    await areInInbox([event.id])
    assert.equal(await deadLetters(), 0)
  })

  it('does not count another transaction in the way as its failure', async () => {
    let tries = 0
    const event = newEvent('collides')
    const handleSome = handleUnless(() => {
      if (++tries <= 3) throw new EnvironmentError('conflict', 'somebody was faster')
      return handled
    })
    await consume({ handle: handleSome, maxAttempts: 1 })
    await send(event)
    await areInInbox([event.id])
    assert.equal(await deadLetters(), 0)
  })

  it('since it waits for the lock of somebody else, holds up no neighbour, and is handled when the lock is gone', async () => {
    await database.rows(sql`INSERT INTO effects (event_id) VALUES ('held')`)
    const handleAll = handleUnless(() => handled)
    const locking: Handle = async (trx, events) => {
      await sql`SET LOCAL lock_timeout = '50ms'`.execute(trx)
      if (events.some(({ note }) => note === 'locked')) {
        await sql`UPDATE effects SET batch = batch WHERE event_id = 'held'`.execute(trx)
      }
      return handleAll(trx, events)
    }
    const plain = Array.from({ length: 20 }, () => newEvent())
    const locked = newEvent('locked')
    await database.db.transaction().execute(async (holder) => {
      await sql`SELECT FROM effects WHERE event_id = 'held' FOR UPDATE`.execute(holder)
      await Promise.all([...plain, locked].map(send))
      await consume({ handle: locking, maxAttempts: 1 })
      await areInInbox(idsOf(plain))
    })
    await eventually(async () => (await inboxIds()).includes(locked.id))
    assert.equal(await deadLetters(), 0)
  })
})
