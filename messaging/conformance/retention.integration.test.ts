import assert from 'node:assert/strict'
import { sql } from 'kysely'
import { eventually } from '#testing/eventually.ts'
import { useInbox } from '#testing/inbox.ts'
import { longestRetryMs } from '../retention/policy.ts'

const dayMs = 86_400_000

describe('a consumer', () => {
  const { database, consume, start } = useInbox()

  it('deletes old rows alongside, and no event that is not published', async () => {
    await database.rows(sql`
      INSERT INTO outbox (event_id, event_type, payload_json, published_at)
      SELECT uuidv7(interval '-40 days'), 'Thing', '{}',
             CASE WHEN n <= 2500 THEN now() - interval '39 days' END
      FROM generate_series(1, 2510) AS n`)
    await database.rows(sql`
      INSERT INTO inbox (event_id, received_at)
      SELECT uuidv7(interval '-40 days'), now() - n * interval '1 day' FROM generate_series(1, 39) AS n`)
    const { health } = await consume({ retentionIdleMs: 20 })
    const left = () =>
      database.rows(sql<{ outbox: number; inbox: number; published: number }>`
        SELECT (SELECT count(*) FROM outbox)::int AS outbox, (SELECT count(*) FROM inbox)::int AS inbox,
               (SELECT count(published_at) FROM outbox)::int AS published`)
    const expected = [{ outbox: 10, inbox: 29, published: 0 }]
    await eventually(async () => JSON.stringify(await left()) === JSON.stringify(expected))
    assert.equal(await health.reason('retention'), undefined)
  })

  for (const [what, options, neededMs] of [
    ['its outbox', { outboxRetentionDays: 30 }, 30 * dayMs + longestRetryMs(3)],
    [
      'another delay',
      { delays: [{ variable: 'SLOW_MS', ms: 30 * dayMs }] },
      37 * dayMs + longestRetryMs(3),
    ],
  ] as const) {
    it(`rejects when its inbox forgets sooner than ${what} lets events arrive`, async () => {
      const { done } = start(options)
      const seconds = (neededMs / 1_000).toLocaleString('en')
      await assert.rejects(
        done,
        new RegExp(`INBOX_RETENTION_DAYS is too short.* must be at least ${seconds} s`),
      )
    })
  }
})
