import assert from 'node:assert/strict'
import { randomUUIDv7 } from 'node:crypto'
import { eventually } from '#testing/eventually.ts'
import { silent } from '#testing/logger.ts'
import { useOutbox } from '#testing/outbox.ts'
import { appendEvents, createRelayNotifier } from '../index.ts'

describe('a relay', () => {
  const { database, broker, relay, append, outbox, ...those } = useOutbox()
  const { publishedIds, allPublished } = those
  /** Between two looks: longer than any test. */
  const neverMs = 600_000

  it('publishes what is due and marks it, and nothing else', async () => {
    const { isConnected } = relay()
    await eventually(isConnected)
    const ids = await append(3)
    await allPublished()
    for (const row of await outbox()) {
      assert.ok(row.published_at)
      assert.deepEqual([row.publish_attempts, row.last_error], [1, null])
    }
    assert.deepEqual(await publishedIds(), ids)
  })

  it('sends the event as it was written, named and typed for whoever reads the queue', async () => {
    const [id] = await append(1)
    relay()
    await allPublished()
    const [message] = await broker.drain('all')
    assert.ok(message)
    assert.deepEqual(JSON.parse(message.content.toString()), { id, type: 'Happened' })
    const { messageId, type, contentType, deliveryMode, headers } = message.properties
    assert.deepEqual([messageId, type], [id, 'Happened'])
    assert.equal(contentType, 'application/cloudevents+json')
    assert.equal(deliveryMode, 2)
    assert.ok(Math.abs(Date.parse(headers?.['relayed-at']) - Date.now()) < 60_000)
  })

  it('publishes nothing of a transaction that was rolled back', async () => {
    relay()
    const rolledBack = database.db.transaction().execute(async (trx) => {
      await appendEvents(trx, [{ id: randomUUIDv7(), type: 'Happened' }])
      throw new Error('changed my mind')
    })
    await assert.rejects(rolledBack)
    const ids = await append(1)
    await allPublished()
    assert.deepEqual(await publishedIds(), ids)
  })

  it('publishes what was written first and committed last, and meanwhile what came later', async () => {
    relay()
    const [early = '', late = ''] = [randomUUIDv7(), randomUUIDv7()].sort()
    await database.db.transaction().execute(async (trx) => {
      await appendEvents(trx, [{ id: early, type: 'Happened' }])
      const events = [{ id: late, type: 'Happened' }]
      await database.db.transaction().execute((other) => appendEvents(other, events))
      await allPublished() // of what others see
    })
    await eventually(async () => (await outbox()).length === 2)
    await allPublished()
    assert.deepEqual(await publishedIds(), [early, late].sort())
  })

  it('drains the outbox and goes on when there is more', async () => {
    await append(950)
    relay({ batchSize: 100 })
    await allPublished()
    await append(3)
    await allPublished()
    assert.equal((await publishedIds()).length, 953)
  })

  it('is notified of new events long before it would look again', async () => {
    const { isConnected } = relay({ idleMs: neverMs })
    await eventually(isConnected)
    const notifyRelay = createRelayNotifier(database.db, silent)
    for (let round = 0; round < 3; round++) {
      await append(1)
      notifyRelay()
      await allPublished()
    }
  })

  it('finds new events without being notified', async () => {
    const { isConnected } = relay({ idleMs: 50 })
    await eventually(isConnected)
    await append(1)
    await allPublished()
  })

  it('tries a failed event again when its time has come', async () => {
    relay()
    const [id] = await append(1, 'Unknown')
    await eventually(async () => (await outbox()).some(({ waits }) => waits))
    await database.db.updateTable('outbox').set({ event_type: 'Happened' }).execute()
    await allPublished()
    assert.deepEqual(await publishedIds(), [id])
    const [row] = await outbox()
    assert.ok((row?.publish_attempts ?? 0) >= 2)
    assert.equal(row?.last_error, null)
  })

  it('stops promptly, also in the middle of its idle time', async () => {
    const { close } = relay({ idleMs: neverMs })
    await append(1)
    createRelayNotifier(database.db)()
    await allPublished()
    const startedAt = performance.now()
    await close()
    assert.ok(performance.now() - startedAt < 1_000)
  })
})
