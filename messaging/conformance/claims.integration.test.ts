import assert from 'node:assert/strict'
import { sql } from 'kysely'
import { eventIdsOf } from '#testing/event-ids.ts'
import { eventually } from '#testing/eventually.ts'
import { useOutbox } from '#testing/outbox.ts'
import { claimEvents } from '../outbox/rows.ts'

describe('a claim', () => {
  const { database, broker, relay, append, routes, ...those } = useOutbox()
  const { unpublished, allPublished } = those

  it('is never waited for by another relay, which never takes the same events', async () => {
    await append(10)
    await database.db.transaction().execute(async (trx) => {
      const claimed = await claimEvents(trx, 4)
      relay()
      await eventually(async () => (await unpublished()) === 4)
      const others = await broker.drain('all')
      assert.equal(others.length, 6)
      const ids = new Set(others.map(({ properties }) => properties.messageId))
      assert.ok(claimed.every(({ event_id }) => !ids.has(event_id)))
    })
    await allPublished()
  })

  it('of two relays side by side has each event published once', async () => {
    for (const name of ['one', 'other']) await broker.channel().bindQueue('all', 'events', name)
    for (const routingKey of ['one', 'other']) {
      const own = { Happened: { ...routes.Happened, routingKey } }
      const { isConnected } = relay({ batchSize: 20, routes: own })
      await eventually(isConnected)
    }
    const ids = await append(1_000)
    await allPublished()
    const messages = await broker.drain('all')
    const published = messages.flatMap(eventIdsOf).sort()
    assert.ok(published.join() === ids.join(), 'not each event once')
    const relays = new Set(messages.map(({ fields }) => fields.routingKey))
    assert.equal(relays.size, 2, 'one relay did it all')
  })

  it('does not read what was published before, however much that is', async () => {
    await database.rows(sql`
      INSERT INTO outbox (event_id, event_type, payload_json, published_at)
      SELECT gen_random_uuid(), 'Happened', '{}', now() FROM generate_series(1, 20000)
    `)
    const ids = await append(10)
    await database.db.transaction().execute(async (trx) => {
      // The view also counts what this session has read before, and not reported yet.
      const read = async () => {
        const { rows } = await sql<{ read: number }>`
          SELECT (seq_tup_read + idx_tup_fetch)::int AS read
          FROM pg_stat_xact_user_tables WHERE relname = 'outbox'
        `.execute(trx)
        return rows[0]?.read ?? 0
      }
      const before = await read()
      const claimed = await claimEvents(trx, 5)
      assert.equal(claimed.length, 5)
      assert.ok(claimed.every(({ event_id }) => ids.includes(event_id)))
      const ofClaim = (await read()) - before
      assert.ok(ofClaim >= 5 && ofClaim <= 20, `${ofClaim} rows read`)
    })
  })
})
