import assert from 'node:assert/strict'
import { sql } from 'kysely'
import { eventually } from '#testing/eventually.ts'
import { dead, queue, useInbox } from '#testing/inbox.ts'
import { recordingLogger } from '#testing/logger.ts'
import { type Handle, handle, newEvent, type Thing } from '#testing/things.ts'

/** How long others are let go first before an event that may have killed its consumer is tried. */
const quietMs = 50

describe('a message that was delivered before', () => {
  const { database, broker, consume, send, sendMany, redeliver, hasHandled, attempts } = useInbox()

  /**
   * So many messages come back after a death, and each was tried before; one of them was alone
   * with its consumer.
   */
  async function sendDangerous(count: number, place: number) {
    const events = await sendMany(count)
    await redeliver(count)
    const dangerous = events[place] as Thing
    await database.rows(sql`
      INSERT INTO attempts (event_id, started, finished)
      SELECT id, CASE id WHEN ${dangerous.id}::uuid THEN 2 ELSE 1 END, 0
      FROM unnest(${events.map(({ id }) => id)}::uuid[]) AS id
    `)
    return { events, dangerous }
  }

  /** Handles them all, 10 ms each, and says when each was begun, the first one first. */
  async function consumeSlowly(events: Thing[]) {
    const begun: { id: string | undefined; atMs: number }[] = []
    const slow: Handle = async (trx, events) => {
      begun.push({ id: events[0]?.id, atMs: performance.now() })
      await sql`SELECT pg_sleep(0.01)`.execute(trx)
      return handle(trx, events)
    }
    await consume({ handle: slow, batchSize: 200 })
    await hasHandled(events)
    return begun
  }

  it('is handled with the others that come back for the first time', async () => {
    const events = await sendMany(100)
    await redeliver(100)
    const sizes: number[] = []
    const seen: Handle = (trx, events) => {
      sizes.push(events.length)
      return handle(trx, events)
    }
    await consume({ handle: seen })
    await hasHandled(events)
    assert.equal(Math.max(...sizes), 20)
    assert.deepEqual(await attempts(), [])
  })

  it('and was alone with a consumer that died, is tried after its neighbours, but not after all', async () => {
    const { events, dangerous } = await sendDangerous(300, 150) // which take longer than it waits
    const begun = await consumeSlowly(events)
    const turn = begun.findIndex(({ id }) => id === dangerous.id)
    assert.ok(turn > 0 && turn < events.length - 1, `it was number ${turn}`)
  })

  it('and was alone with a consumer that died, is tried when its last neighbour has been told', async () => {
    const { events, dangerous } = await sendDangerous(20, 0) // which take longer than it must wait anyway
    const [neighbour, last] = (await consumeSlowly(events)).slice(-2)
    assert.ok(neighbour && last)
    assert.equal(last.id, dangerous.id)
    assert.ok(last.atMs - neighbour.atMs >= quietMs, `${last.atMs - neighbour.atMs} ms later`)
  })

  it('is not given up for the deaths of its consumers beside an outage of the database', async () => {
    const event = newEvent()
    await send(event)
    await redeliver(1)
    await database.rows(
      sql`INSERT INTO attempts (event_id, started, finished) VALUES (${event.id}::uuid, 3, 0)`,
    )
    const { logger, said } = recordingLogger()
    await database.refuseConnections()
    await consume({ logger })
    await eventually(() => said.some((line) => line.includes('which are held')))
    await database.acceptConnections()
    await eventually(() => database.rows(sql`SELECT`))
    await hasHandled([event])
    assert.equal(await broker.depth(dead), 0)
    assert.deepEqual(await attempts(), [])
  })

  it('is not given up when its consumer was told to stop while it waits for the database', async () => {
    let isFull = true
    const waiting: Handle = async (trx, events) => {
      if (isFull) await sql`DO $$ BEGIN RAISE disk_full; END $$`.execute(trx)
      return handle(trx, events)
    }
    const event = newEvent()
    await send(event)
    await redeliver(1)
    for (let stops = 0; stops < 3; stops++) {
      const { logger, said } = recordingLogger()
      const consumer = await consume({ handle: waiting, logger })
      await eventually(() =>
        said.some((line) => line.startsWith('the database cannot handle messages')),
      )
      await consumer.close()
      await eventually(async () => (await broker.depth(queue)) === 1)
    }
    isFull = false
    await consume({ handle: waiting })
    await hasHandled([event])
    assert.equal(await broker.depth(dead), 0)
    assert.deepEqual(await attempts(), [])
  })
})
