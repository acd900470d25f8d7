import assert from 'node:assert/strict'
import { sql } from 'kysely'
import { useDatabase } from '#testing/database.ts'
import { useResources } from '#testing/resources.ts'
import { connectDatabase } from './connect.ts'

describe('connectDatabase', () => {
  const database = useDatabase('orders')
  const use = useResources()

  it('reads by the index also what was empty when the plan was made', async () => {
    const db = use(connectDatabase({ name: 'test', url: database.url }))
    await database.rows(sql`ANALYZE outbox`)
    const { rows } = await sql<{ 'QUERY PLAN': string }>`
      EXPLAIN SELECT payload_json FROM outbox WHERE event_id = ANY (${[]}::uuid[])
    `.execute(db)
    const plan = rows.map((row) => row['QUERY PLAN']).join('\n')
    assert.match(plan, /Index Scan|Bitmap/)
    assert.doesNotMatch(plan, /Seq Scan/)
  })

  it('lets who reads much at a time read a whole table', async () => {
    const options = { name: 'test', url: database.url, statementTimeoutMs: 60_000 }
    const db = use(connectDatabase(options))
    const { rows } = await sql`SHOW enable_seqscan`.execute(db)
    assert.deepEqual(rows, [{ enable_seqscan: 'on' }])
  })
})
