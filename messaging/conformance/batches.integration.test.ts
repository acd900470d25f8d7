import assert from 'node:assert/strict'
import { sql } from 'kysely'
import { eventually } from '#testing/eventually.ts'
import { dead, queue, useInbox } from '#testing/inbox.ts'
import { silent } from '#testing/logger.ts'
import { type Handle, handle, idsOf, newEvent, type Thing } from '#testing/things.ts'
import { listenForRelayNotifications } from '../outbox/relay-notification.ts'

describe('a consumer', () => {
  const { database, broker, use, consume, send, sendMany, ...those } = useInbox()
  const { effects, effectIds, inboxIds, attempts, hasHandled, isQueueEmpty, deadLetters } = those

  it('handles what has arrived in one transaction, with the memory of it', async () => {
    const events = await sendMany(50)
    await consume({ lingerMs: 300, concurrency: 1 })
    await hasHandled(events)
    assert.equal(new Set((await effects()).map(({ batch }) => batch)).size, 1)
    assert.deepEqual(await inboxIds(), idsOf(events))
    await eventually(isQueueEmpty)
  })

  it('takes the defaults of options that are undefined', async () => {
    const none = undefined as never // as in a program without strict types
    await consume({ concurrency: none, batchSize: none, lingerMs: none, maxAttempts: none })
    await hasHandled(await sendMany(2))
  })

  it('works on as many batches at the same time as its concurrency allows, also after idling', async () => {
    let atWork = 0
    let most = 0
    const slowly: Handle = async (trx, events) => {
      most = Math.max(most, ++atWork)
      await eventually(() => most === 2, { timeoutMs: 60_000 }).finally(() => atWork--)
      return handle(trx, events)
    }
    await consume({ handle: slowly, batchSize: 1, concurrency: 2, maxAttempts: 1 })
    await hasHandled(await sendMany(2))
  })

  it('lets the same message have one effect, however often it comes', async () => {
    const event = newEvent()
    const neighbours = await sendMany(5)
    await consume({ batchSize: 7 })
    await Promise.all(Array.from({ length: 100 }, () => send(event)))
    await hasHandled([event, ...neighbours])
    await eventually(isQueueEmpty)
    assert.equal((await effectIds()).length, 6)
    assert.equal(await deadLetters(), 0)
  })

  it('takes no notice of what somebody has written into the headers of brokers and libraries', async () => {
    await consume()
    const event = newEvent()
    const headers = { 'x-death': 'none', 'x-delivery-count': 'many', rascal: 'x', CC: [] }
    await broker.publish({ routingKey: queue }, event, { messageId: event.id, headers })
    await hasHandled([event])
    assert.equal(await broker.depth(dead), 0)
  })

  it('notifies the relay when something was committed', async () => {
    const listener = { name: 'listener', url: database.url, logger: silent }
    const relay = use(listenForRelayNotifications(listener))
    const stop = AbortSignal.timeout(60_000)
    assert.ok(await relay.wait(60_000, stop)) // it listens
    await consume({ notifiesRelay: true })
    await hasHandled(await sendMany(1))
    assert.ok(await relay.wait(60_000, stop))
  })

  it('handles a batch again as a whole when a statement took too long: no event is to blame', async () => {
    const events = await sendMany(50)
    const begun: number[] = []
    const slow: Handle = async (trx, some) => {
      begun.push(some.length)
      if (begun.length <= 3) await sql`DO $$ BEGIN RAISE query_canceled; END $$`.execute(trx)
      return handle(trx, some)
    }
    await consume({ handle: slow, concurrency: 1, lingerMs: 300, maxAttempts: 1 })
    await hasHandled(events)
    assert.deepEqual(begun, [50, 50, 50, 50])
    assert.deepEqual(await attempts(), [])
    assert.equal(await deadLetters(), 0)
  })

  it('remembers events in the order of their ids, so that two consumers wait in one direction', async () => {
    const [first, second, third] = [newEvent(), newEvent(), newEvent()].sort((a, b) =>
      a.id < b.id ? -1 : 1,
    ) as [Thing, Thing, Thing]
    const remember = ({ id }: Thing) => sql`INSERT INTO inbox (event_id) VALUES (${id})`
    for (const event of [third, second, first]) await send(event)
    const patient = new URL(database.url)
    patient.searchParams.set('lock_timeout', '2000') // longer than the test waits
    await database.db.transaction().execute(async (trx) => {
      await sql`SET LOCAL lock_timeout = '500ms'`.execute(trx)
      await remember(second).execute(trx)
      await consume({ databaseUrl: patient.href, lingerMs: 300, concurrency: 1 })
      await eventually(async () => (await database.waitingForLocks()) > 0)
      await remember(third).execute(trx) // which nobody holds who waits for the second
    })
    await hasHandled([first])
    await eventually(isQueueEmpty)
    assert.deepEqual(await effectIds(), [first.id])
  })
})
