import assert from 'node:assert/strict'
import { sql } from 'kysely'
import { readConfig } from '#chassis/config.ts'
import { connectDatabase } from '#chassis/database/connect.ts'
import { expireSome } from '#messaging/retention/retention.ts'
import { declareTables } from '#messaging/retention/rows.ts'
import { useDatabase } from '#testing/database.ts'
import { eventually } from '#testing/eventually.ts'
import { useResources } from '#testing/resources.ts'
import { expiringKeys, idempotencyKeyRetentionHours } from './expiring-keys.ts'

describe('idempotency keys', () => {
  const database = useDatabase('payments')
  const use = useResources()

  it('are known for as long as is set, and then deleted, batch after batch', async () => {
    const table = expiringKeys(48)
    await declareTables(database.db, [table])
    await database.rows(sql`
      INSERT INTO idempotency_keys
        (user_id, call, key, fingerprint, response_status, response_body, created_at)
      SELECT 'alice', 'POST /accounts', n, '', 201, '', now() - n * interval '1 hour'
      FROM generate_series(0, 95) AS n`)
    const db = use(connectDatabase({ name: 'retention', url: database.url }))
    const nextTurn = () => eventually(() => expireSome({ db, idleMs: 3_600_000 }, table, 20))
    const turns = [await nextTurn(), await nextTurn(), await nextTurn()]
    assert.deepEqual(
      turns.map(({ deleted, isLast }) => [deleted, isLast]),
      [
        [20, false],
        [20, false],
        [8, true],
      ],
    )
    const [left] = await database.rows(sql<{ n: number; hours: number }>`
      SELECT count(*)::int AS n, round(extract(epoch FROM now() - min(created_at)) / 3600)::int AS hours
      FROM idempotency_keys`)
    assert.deepEqual(left, { n: 48, hours: 47 })
  })

  it('are kept for 24 hours at least, whatever is set', () => {
    const variables = { hours: idempotencyKeyRetentionHours }
    const hours = (value?: string) =>
      readConfig(value ? { IDEMPOTENCY_KEY_RETENTION_HOURS: value } : {}, variables).hours
    assert.deepEqual([hours(), hours('24')], [48, 24])
    assert.throws(() => hours('23'), /must be a whole number from 24/)
  })
})
