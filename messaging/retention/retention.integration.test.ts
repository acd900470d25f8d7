import assert from 'node:assert/strict'
import { type RawBuilder, sql } from 'kysely'
import { connectDatabase } from '#chassis/database/connect.ts'
import { useDatabase } from '#testing/database.ts'
import { eventually } from '#testing/eventually.ts'
import { recordingLogger, silent } from '#testing/logger.ts'
import { running, useResources } from '#testing/resources.ts'
import type { MessagingDatabase } from '../tables.ts'
import { type ExpiringTable, engineTables } from './expiring-tables.ts'
import { expireSome, retentionOutage, runRetention } from './retention.ts'
import { claimTable, declareTables, deleteExpired, findBatchEnd } from './rows.ts'

const tables = engineTables({ outboxRetentionDays: 7, inboxRetentionDays: 30 })
const [outbox, inbox, attempts] = tables as [ExpiringTable, ExpiringTable, ExpiringTable]

describe('retention', () => {
  const database = useDatabase('messaging')
  const use = useResources()
  beforeEach('empty tables, none of which waits', async () => {
    await database.rows(sql`TRUNCATE outbox, inbox, attempts, deferred_events, retention`)
    await declareTables(database.db, tables)
  })

  const own = () =>
    use(connectDatabase<MessagingDatabase>({ name: 'retention', url: database.url }))
  const turn = (table: ExpiringTable, { size = 1_000, idleMs = 0 } = {}) =>
    expireSome({ db: own(), idleMs }, table, size)
  const run = (more: object = {}) =>
    use(
      running((signal) =>
        runRetention({ db: own(), tables, idleMs: 20, logger: silent, ...more }, signal),
      ),
    )

  /** Events of so many days ago, published so many days ago, or not yet. */
  const append = (created: number, published: number | null, count = 1) =>
    database.rows(sql`
      INSERT INTO outbox (event_id, event_type, payload_json, created_at, published_at)
      SELECT uuidv7(${created} * interval '-1 day'), 'Happened', '{}', now() - ${created} * interval '1 day',
             now() - ${published}::int * interval '1 day'
      FROM generate_series(1, ${count})`)
  const handle = (created: number, received: number, count = 1) =>
    database.rows(sql`
      INSERT INTO inbox (event_id, event_type, received_at)
      SELECT uuidv7(${created} * interval '-1 day'), 'Happened', now() - ${received} * interval '1 day'
      FROM generate_series(1, ${count})`)
  const count = async (from: RawBuilder<unknown>) =>
    (await database.rows(sql<{ n: number }>`SELECT count(*)::int AS n FROM ${from}`))[0]?.n
  const progress = async ({ name }: ExpiringTable) => {
    const [row] = await database.rows(sql<{
      position: string | null
      deleted: string
      deleted_ever: string
      hours: number
      finished: boolean
    }>`
      SELECT position, deleted, deleted_ever, finished_at IS NOT NULL AS finished,
             round(extract(epoch FROM now() - expired_before) / 3600)::int AS hours
      FROM retention WHERE table_name = ${name}`)
    assert.ok(row)
    return row
  }

  it('deletes events that were published before the time, and says how many', async () => {
    await append(9, 8, 3)
    await append(9, 6)
    await append(0, 0)
    const { deleted, isLast } = (await turn(outbox)) ?? {}
    assert.deepEqual({ deleted, isLast }, { deleted: 3, isLast: true })
    assert.equal(await count(sql`outbox`), 2)
    const { finished, hours, ...counted } = await progress(outbox)
    assert.deepEqual(counted, { position: null, deleted: '3', deleted_ever: '3' })
    assert.deepEqual([finished, hours], [true, 7 * 24])
  })

  it('never deletes an event that is not published, however old', async () => {
    await append(400, null, 5)
    await append(400, 400)
    assert.equal((await turn(outbox))?.deleted, 1)
    assert.equal(await count(sql`outbox WHERE published_at IS NULL`), 5)
  })

  it('never deletes a deferred event, however old', async () => {
    await database.rows(sql`
      INSERT INTO deferred_events (event_id, waits_for, properties, content, deferred_at)
      VALUES (uuidv7(interval '-400 days'), 'alice', '{}', '', now() - interval '400 days')`)
    const { close } = run()
    await eventually(async () => (await progress(attempts)).finished)
    await close()
    assert.equal(await count(sql`deferred_events`), 1)
  })

  it('keeps an old event in the inbox that was handled only now', async () => {
    await handle(40, 31)
    await handle(40, 1)
    await handle(1, 1)
    assert.equal((await turn(inbox))?.deleted, 1)
    assert.equal(await count(sql`inbox`), 2)
  })

  it('deletes attempts whose message never came back', async () => {
    await database.rows(sql`
      INSERT INTO attempts (event_id, started, last_started_at)
      VALUES (uuidv7(interval '-40 days'), 1, now() - interval '31 days'),
             (uuidv7(interval '-40 days'), 1, now() - interval '29 days')`)
    assert.equal((await turn(attempts))?.deleted, 1)
  })

  it('goes on where the last turn ended, and begins anew after the last one of a pass', async () => {
    await append(9, 8, 25)
    const did: [number, boolean][] = []
    for (let n = 0; n < 3; n++) {
      const { deleted, isLast } = await eventually(() => turn(outbox, { size: 10 }))
      did.push([deleted, isLast])
    }
    assert.deepEqual(did, [
      [10, false],
      [10, false],
      [5, true],
    ])
    assert.deepEqual((await progress(outbox)).deleted_ever, '25')
    await append(9, 8)
    await eventually(async () => (await turn(outbox))?.deleted === 1)
    assert.equal((await progress(outbox)).deleted, '1', 'of the last pass')
  })

  it('rests after a turn, and after a pass, for everybody', async () => {
    await append(9, 8, 25)
    const first = await turn(outbox, { size: 10 })
    assert.ok(first && first.pauseMs > 0)
    await database.rows(sql`UPDATE retention SET due_at = now() + interval '1 hour'`)
    assert.equal(await turn(outbox, { size: 10 }), undefined)
    await database.rows(sql`UPDATE retention SET due_at = now()`)
    assert.equal((await turn(outbox, { idleMs: 3_600_000 }))?.isLast, true)
    assert.equal(await turn(outbox), undefined, 'the pass is finished')
  })

  it('is done by one process at a time: another one does not wait', async () => {
    await append(9, 8)
    await database.db.transaction().execute(async (trx) => {
      assert.ok(await claimTable(trx, outbox))
      assert.equal(await turn(outbox), undefined)
      assert.ok(await turn(inbox), 'another table')
    })
    assert.equal((await turn(outbox))?.deleted, 1)
  })

  it('counts each row once with four processes side by side', async () => {
    await append(9, 8, 5_000)
    const all = [1, 2, 3, 4].map(() => run())
    await eventually(async () => (await count(sql`outbox`)) === 0)
    for (const { close } of all) await close()
    assert.equal((await progress(outbox)).deleted_ever, '5000')
  })

  it('does not wait for a row that somebody has locked, and takes it the next time', async () => {
    await append(9, 8, 3)
    await database.db.transaction().execute(async (trx) => {
      await sql`SELECT FROM outbox ORDER BY event_id LIMIT 1 FOR UPDATE`.execute(trx)
      assert.equal((await turn(outbox))?.deleted, 2)
    })
    await eventually(async () => (await turn(outbox))?.deleted === 1)
  })

  it('leaves everything as it was when a turn ends in the middle', async () => {
    await append(9, 8, 3)
    const before = await progress(outbox)
    await database.rows(sql`
      CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'as planned'; END $$`)
    await database.rows(sql`
      CREATE TRIGGER failing BEFORE UPDATE ON retention FOR EACH ROW EXECUTE FUNCTION fail()`)
    await assert.rejects(turn(outbox), /as planned/)
    await database.rows(sql`DROP TRIGGER failing ON retention`)
    assert.deepEqual([await count(sql`outbox`), await progress(outbox)], [3, before])
  })

  it('reads no more rows than a turn may look at, whatever waits, and whatever the planner knows', async () => {
    await append(9, null, 20_000)
    await append(9, 8, 500)
    const db = own()
    for (const statistics of ['none', 'fresh', 'fresh', 'fresh', 'fresh', 'fresh', 'fresh']) {
      if (statistics === 'fresh') await database.rows(sql`ANALYZE outbox`)
      await db.transaction().execute(async (trx) => {
        const before = await readRows(trx)
        const claimed = await claimTable(trx, outbox)
        assert.ok(claimed)
        const range = { after: outbox.firstKey, upTo: outbox.lastKeyAt(claimed.before) }
        const end = await findBatchEnd(trx, outbox, range, 1_000)
        assert.ok(end)
        await deleteExpired(trx, outbox, { ...range, upTo: end }, claimed.before)
        const read = (await readRows(trx)) - before
        assert.ok(read <= 2_100, `${read} rows read to look at 1000`)
      })
    }
  })
  const readRows = async (trx: Parameters<typeof claimTable>[0]) => {
    const { rows } = await sql<{ read: number }>`
      SELECT sum(seq_tup_read + idx_tup_fetch)::int AS read
      FROM pg_stat_xact_user_tables WHERE relname = 'outbox'`.execute(trx)
    return rows[0]?.read ?? 0
  }

  it('says that it fails, and goes on, when its table is missing for a while', async () => {
    const { logger, said } = recordingLogger()
    const outage = retentionOutage(logger)
    run({ logger, outage })
    await eventually(async () => (await progress(attempts)).finished)
    await database.rows(sql`ALTER TABLE retention RENAME TO elsewhere`)
    await eventually(() => !outage.isOver)
    assert.throws(() => outage.assertOver(), /old rows cannot be deleted: 42P01 relation/)
    await database.rows(sql`ALTER TABLE elsewhere RENAME TO retention`)
    await append(9, 8)
    await eventually(async () => (await count(sql`outbox`)) === 0)
    await eventually(() => outage.isOver)
    assert.match(said.join('; '), /old rows cannot be deleted, will retry; over after/)
  })

  it('notes what a process was told, and keeps what was deleted under the former rule', async () => {
    await append(9, 8)
    await turn(outbox)
    await declareTables(
      database.db,
      engineTables({ outboxRetentionDays: 20, inboxRetentionDays: 30 }),
    )
    const [row] = await database.rows(sql<{ days: number }>`
      SELECT (retention_ms / 86400000)::int AS days FROM retention WHERE table_name = 'outbox'`)
    assert.equal(row?.days, 20)
    await turn({ ...outbox, retentionMs: 20 * 86_400_000 })
    assert.equal((await progress(outbox)).hours, 7 * 24, 'rows of 8 days are gone all the same')
  })
})
