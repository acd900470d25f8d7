import assert from 'node:assert/strict'
import { sql } from 'kysely'
import { eventually } from '#testing/eventually.ts'
import { useOutbox } from '#testing/outbox.ts'

describe('an event that cannot be published', () => {
  const { broker, relay, append, outbox, ...those } = useOutbox()
  const { count, publishedIds, unpublished } = those
  const areLeft = (number: number) => eventually(async () => (await unpublished()) === number)
  const rowOf = async (id?: string) => (await outbox()).find(({ event_id }) => event_id === id)
  const hasFailed = (id?: string) =>
    eventually(async () => ((await rowOf(id))?.publish_attempts ?? 0) > 0)

  it('since no queue takes it, counts as failed, though the broker confirmed it', async () => {
    const [lost] = await append(1, 'Unheard')
    const ids = await append(5)
    relay()
    await hasFailed(lost)
    await areLeft(1)
    assert.deepEqual(await publishedIds(), ids)
    const row = await rowOf(lost)
    assert.equal(row?.published_at, null)
    assert.match(row?.last_error ?? '', /no queue for anything at unbound/)
  })

  it('since no queue takes it, is published as soon as there is one', async () => {
    const [id] = await append(1, 'Unheard')
    relay()
    await hasFailed(id)
    await broker.channel().bindQueue('all', 'unbound', 'anything')
    try {
      await areLeft(0)
    } finally {
      await broker.channel().unbindQueue('all', 'unbound', 'anything')
    }
    assert.deepEqual(await publishedIds(), [id])
  })

  it('since its type is unknown, counts as failed, and its neighbours are published', async () => {
    const [unknown] = await append(1, 'Unknown')
    const ids = await append(5)
    relay()
    await hasFailed(unknown)
    await areLeft(1)
    assert.deepEqual(await publishedIds(), ids)
    assert.match((await rowOf(unknown))?.last_error ?? '', /no route for events of type Unknown/)
  })

  it('is left alone for a while, so that such events never fill a batch', async () => {
    const failing = await append(4, 'Unknown')
    const ids = await append(3)
    relay({ batchSize: 4, concurrency: 1 })
    await areLeft(4)
    assert.deepEqual(await publishedIds(), ids)
    const waiting = await count(sql`next_attempt_at > created_at AND published_at IS NULL`)
    assert.equal(waiting, failing.length)
  })

  it('is kept when the deadline passes before it was confirmed', async () => {
    await append(200)
    relay({ batchSize: 200, deadlineMs: 0 })
    await eventually(() => count(sql`publish_attempts > 0`))
    const confirmed = await count(sql`published_at IS NOT NULL AND publish_attempts = 1`)
    assert.equal(confirmed, 0)
    await eventually(async () => (await count(sql`last_error ~ 'no confirm within 0 ms'`)) === 200)
  })

  it('is kept when the broker refuses it', async () => {
    await broker.channel().assertExchange('overflowing', 'topic')
    await broker.channel().assertQueue('full', {
      arguments: { 'x-max-length': 1, 'x-overflow': 'reject-publish' },
    })
    await broker.channel().bindQueue('full', 'overflowing', 'any')
    await append(20, 'Refused')
    const routes = { Refused: { exchange: 'overflowing', routingKey: 'any' } }
    relay({ routes, exchanges: [], eventsPerMessage: 1 })
    await eventually(async () => (await count(sql`publish_attempts > 0`)) === 20)
    const published = 20 - (await unpublished())
    assert.ok(published < 20)
    assert.equal(await broker.depth('full'), published)
    assert.equal(await count(sql`published_at IS NULL AND last_error IS NOT NULL`), 20 - published)
  })

  it('since the broker closes the channel for it, is counted, and 500 neighbours are published', async () => {
    const poison = await append(2, 'Poison')
    const ids = await append(500)
    relay({ batchSize: 502 })
    await areLeft(2)
    await eventually(async () => (await count(sql`publish_attempts >= 4`)) === 2)
    const later = await append(100)
    await areLeft(2)
    assert.equal(await count(sql`publish_attempts = 1 AND published_at IS NOT NULL`), 600)
    assert.deepEqual(await publishedIds(), [...ids, ...later].sort())
    const waiting = (await outbox()).filter(({ published_at }) => published_at === null)
    assert.deepEqual(waiting.map(({ event_id }) => event_id).sort(), poison)
    for (const { last_error } of waiting) assert.match(last_error ?? '', /no exchange 'nowhere'/)
  })
})
