import assert from 'node:assert/strict'
import { type Kysely, sql } from 'kysely'
import { expiringKeys } from '#idempotency/expiring-keys.ts'
import { engineTables } from '#messaging/retention/expiring-tables.ts'
import { expireSome } from '#messaging/retention/retention.ts'
import { declareTables } from '#messaging/retention/rows.ts'
import { useDatabase } from '#testing/database.ts'
import { eventually } from '#testing/eventually.ts'
import { retentionCommand } from './command.ts'
import type { RetentionReport } from './retention.ts'

describe('operator retention', () => {
  const orders = useDatabase('orders')
  const payments = useDatabase('payments')
  const tables = [
    ...engineTables({ outboxRetentionDays: 7, inboxRetentionDays: 30 }),
    expiringKeys(48),
  ]
  const run = () => {
    const env = {
      AMQP_URL: 'amqp://127.0.0.1:9',
      ORDERS_DATABASE_URL: orders.url,
      PAYMENTS_DATABASE_URL: payments.url,
    }
    return retentionCommand.run({ positionals: [], values: {}, env, role: 'operator-viewer' })
  }
  const reportOf = async (table: string) => {
    const { json } = await run()
    const found = (json as RetentionReport).orders.find((one) => one.table === table)
    assert.ok(found)
    return found
  }
  before('three published events, of which two have expired, and one that is not published', () =>
    orders.rows(sql`
      INSERT INTO outbox (event_id, event_type, payload_json, published_at)
      SELECT uuidv7(interval '-20 days'), 'PaymentRequested', '{}', now() + days * interval '1 day'
      FROM (VALUES (-10), (-8), (-6), (NULL)) AS published (days)`),
  )

  it('knows nothing before a consumer has run', async () => {
    const { isFine, text } = await run()
    assert.deepEqual([isFine, text], [true, 'TABLE  KEPT  LAST PASS  DELETED  EVER  EXPIRED  NOTE'])
  })

  it('shows what is kept for how long, and what would go', async () => {
    for (const { db } of [orders, payments]) await declareTables(db, tables)
    const { isFine, text } = await run()
    assert.equal(isFine, true)
    assert.match(text, /^orders\.outbox +7 days +never +0 +0 +2 +-$/m)
    assert.match(text, /^orders\.idempotency_keys +2 days +never +0 +0 +0 +-$/m)
    assert.match(text, /^payments\.inbox +30 days +never +0 +0 +0 +-$/m)
    const { expired, retention_ms, finished_ms_ago } = await reportOf('outbox')
    assert.deepEqual([expired, retention_ms, finished_ms_ago], [2, 7 * 86_400_000, null])
  })

  it('says when rows have expired that nobody deletes', async () => {
    await orders.rows(sql`UPDATE retention SET due_at = now() - interval '61 minutes'`)
    const { isFine, text } = await run()
    assert.equal(isFine, false)
    assert.match(text, /^orders\.outbox .* 2 +overdue: see the log of the consumer$/m)
    assert.match(text, /^orders\.inbox .* 0 +-$/m)
  })

  it('shows when old rows were last deleted, and how many', async () => {
    const [outbox] = tables
    assert.ok(outbox)
    const db = orders.db as unknown as Kysely<unknown>
    await eventually(() => expireSome({ db, idleMs: 60_000 }, outbox))
    const { deleted, deleted_ever, expired, finished_ms_ago, is_in_progress } =
      await reportOf('outbox')
    assert.deepEqual([deleted, deleted_ever, expired, is_in_progress], [2, 2, 0, false])
    assert.ok(finished_ms_ago !== null && finished_ms_ago < 60_000)
    const { isFine, text } = await run()
    assert.equal(isFine, true)
    assert.match(text, /^orders\.outbox +7 days +\d.* ago +2 +2 +0 +-$/m)
  })
})
