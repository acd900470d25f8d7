import assert from 'node:assert/strict'
import { sql } from 'kysely'
import { eventually, eventuallyPasses } from '#testing/eventually.ts'
import { queue, useInbox } from '#testing/inbox.ts'
import { recordingLogger } from '#testing/logger.ts'
import { proxyTo } from '#testing/proxy.ts'
import { type Handle, handle, handled, idsOf, newEvent, type Thing } from '#testing/things.ts'

/** What PostgreSQL answers to a commit. */
const committed = Buffer.from('COMMIT\0')

describe('a consumer whose database is away', () => {
  const { database, broker, use, consume, send, sendMany, ...those } = useInbox()
  const { effectIds, hasHandled, isQueueEmpty, deadLetters } = those

  it('holds its messages, makes none of them a dead letter, and goes on afterwards', async () => {
    const { logger, said } = recordingLogger()
    await consume({ maxAttempts: 1, logger })
    const before = await sendMany(3)
    await hasHandled(before)
    await database.refuseConnections()
    const during = await sendMany(20)
    await eventually(() => said.some((line) => line.includes('which are held')))
    await eventually(isQueueEmpty) // all in its hands
    await database.acceptConnections()
    await eventually(() => database.rows(sql`SELECT`)) // the test's own connections
    await hasHandled([...before, ...during])
    assert.equal(await deadLetters(), 0)
    assert.deepEqual(
      said.filter((line) => / failed, |^not handled/.test(line)),
      [],
    )
  })

  it('handles again what was lost in the middle of a transaction', async () => {
    let times = 0
    const dying: Handle = async (trx, events) => {
      const outcomes = await handle(trx, events)
      if (++times === 1) await sql`SELECT pg_terminate_backend(pg_backend_pid())`.execute(trx)
      return outcomes
    }
    await consume({ handle: dying, maxAttempts: 1 })
    await hasHandled(await sendMany(1))
    assert.equal(times, 2)
    assert.equal(await deadLetters(), 0)
  })

  it('does once what was committed though the answer to the commit was lost', async () => {
    const proxy = use(await proxyTo(database.url))
    const consumer = await consume({ databaseUrl: proxy.url, concurrency: 1, maxAttempts: 1 })
    const events: Thing[] = []
    for (let time = 0; time < 20; time++) {
      const wasCut = proxy.cutAt(committed, 'down')
      events.push(...(await sendMany(1)))
      await hasHandled(events)
      await eventually(wasCut)
    }
    events.push(...(await sendMany(1))) // it is handled when the one before it is finished
    await hasHandled(events)
    await consumer.close()
    assert.deepEqual(await effectIds(), idsOf(events))
    await eventually(isQueueEmpty)
    assert.equal(await deadLetters(), 0)
  })

  it('makes no dead letter of what a full disk, or too many connections, hold up', async () => {
    const refusals = ['disk_full', 'too_many_connections', 'out_of_memory']
    let tries = 0
    const refused: Handle = async (trx, events) => {
      const refusal = refusals[tries++]
      if (refusal) await sql.raw(`DO $$ BEGIN RAISE ${refusal}; END $$`).execute(trx)
      return handle(trx, events)
    }
    const events = await sendMany(1)
    await consume({ handle: refused, maxAttempts: 1 })
    await hasHandled(events)
    assert.equal(tries, refusals.length + 1)
    assert.equal(await deadLetters(), 0)
  })

  it('acknowledges only after the commit: without one, the broker keeps the message', async () => {
    const stopped = Promise.withResolvers<void>()
    const dying: Handle = async (trx, events) => {
      await handle(trx, events)
      stopped.resolve(consumer.close())
      await database.endConnections('consumer') // not the statement, but the commit fails
      return events.map(() => handled)
    }
    const consumer = await consume({ handle: dying })
    const event = newEvent()
    await send(event)
    await stopped.promise
    assert.deepEqual(await effectIds(), [])
    await eventuallyPasses(async () => assert.equal(await broker.depth(queue), 1))
    await consume()
    await hasHandled([event])
  })

  it('is told to stop, and does not wait for it', async () => {
    const { logger, said } = recordingLogger()
    const consumer = await consume({ logger })
    await database.refuseConnections()
    await sendMany(5)
    await eventually(() => said.some((line) => line.includes('which are held')))
    const startedAt = performance.now()
    await consumer.close()
    assert.ok(performance.now() - startedAt < 2_000)
    await database.acceptConnections()
    await eventuallyPasses(async () => assert.equal(await broker.depth(queue), 5))
  })
})
