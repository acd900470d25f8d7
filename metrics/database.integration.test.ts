import assert from 'node:assert/strict'
import { randomUUIDv7 } from 'node:crypto'
import { sql } from 'kysely'
import { connectDatabase } from '#chassis/database/connect.ts'
import { useDatabase } from '#testing/database.ts'
import { eventually } from '#testing/eventually.ts'
import { proxyTo } from '#testing/proxy.ts'
import { useResources } from '#testing/resources.ts'
import { measureDatabase } from './database.ts'
import { Metrics } from './metrics.ts'
import { maxDepth, readGauges, refreshOutbox } from './rows.ts'

describe('what waits in a database', function () {
  this.timeout(60_000)
  const database = useDatabase('orders')
  const use = useResources()

  beforeEach('nothing waits, and no gauge was computed', () =>
    database.rows(sql`
      WITH outdated AS (UPDATE gauges SET computed_at = '-infinity'),
        none AS (DELETE FROM orders), neither AS (DELETE FROM deferred_events)
      DELETE FROM outbox`),
  )

  /** A process that measures this database. */
  function measuring(url = database.url) {
    const metrics = new Metrics()
    const db = use(connectDatabase<unknown>({ name: 'measured', url }))
    measureDatabase(metrics, 'orders')(db)
    return async (): Promise<Map<string, number>> => {
      const { text } = await metrics.exposition()
      const samples = text.split('\n').filter((line) => line && !line.startsWith('#'))
      return new Map(samples.map((line) => [line.split(' ')[0] ?? '', Number(line.split(' ')[1])]))
    }
  }
  const append = (count: number, seconds = 0) =>
    database.rows(sql`
      INSERT INTO outbox (event_id, event_type, payload_json, created_at, next_attempt_at)
      SELECT gen_random_uuid(), 'Happened', '{}', since, since
      FROM generate_series(1, ${count}::int),
           (SELECT clock_timestamp() - ${seconds}::int * interval '1 second' AS since) AS times`)
  const order = (status: string, seconds: number) =>
    database.rows(sql`
      INSERT INTO orders (order_id, user_id, amount, status, created_at, refund_accepted_at)
      VALUES (${randomUUIDv7()}, 'alice', 1, ${status}, now() - interval '1 hour',
              CASE ${status} WHEN 'REFUND_PENDING' THEN now() - ${seconds}::int * interval '1 s' END)`)
  const outdate = () => database.rows(sql`UPDATE gauges SET computed_at = '-infinity'`)
  const assertAge = (age: number | undefined, seconds: number) =>
    assert.ok(age !== undefined && age >= seconds && age < seconds + 60, String(age))

  it('is 0 when nothing waits', async () => {
    const samples = await measuring()()
    for (const name of ['outbox_unpublished', 'outbox_oldest_unpublished_age_seconds']) {
      assert.equal(samples.get(name), 0, name)
    }
    assert.equal(samples.get('deferred_events'), 0)
    assert.equal(samples.get('orders_pending{status="PAYMENT_PENDING"}'), 0)
    assert.equal(samples.get('orders_oldest_pending_age_seconds{status="REFUND_PENDING"}'), 0)
    assert.equal(samples.get('database_up'), 1)
    assert.equal(samples.get('database_standbys'), 0)
    assert.equal(samples.get('database_degraded'), 0)
  })

  it('says that a standby is missing', async () => {
    const slot = `missing_${process.pid}`
    await database.rows(sql`SELECT pg_create_physical_replication_slot(${slot})`)
    const samples = await measuring()().finally(() =>
      database.rows(sql`SELECT pg_drop_replication_slot(${slot})`),
    )
    assert.equal(samples.get('database_standbys'), 0)
    assert.equal(samples.get('database_degraded'), 1)
  })

  it('has its number, and the age of the oldest', async () => {
    await append(2)
    await append(1, 500)
    await order('PAYMENT_PENDING', 0)
    await order('REFUND_PENDING', 100)
    await order('PAID', 0)
    await database.rows(sql`
      INSERT INTO deferred_events (event_id, waits_for, properties, content, deferred_at)
      VALUES (gen_random_uuid(), 'row', '{}', '', now() - interval '200 s')`)
    const samples = await measuring()()
    assert.equal(samples.get('outbox_unpublished'), 3)
    assertAge(samples.get('outbox_oldest_unpublished_age_seconds'), 500)
    assert.equal(samples.get('deferred_events'), 1)
    assertAge(samples.get('deferred_events_oldest_age_seconds'), 200)
    assert.equal(samples.get('orders_pending{status="PAYMENT_PENDING"}'), 1)
    assertAge(samples.get('orders_oldest_pending_age_seconds{status="PAYMENT_PENDING"}'), 3_600)
    assert.equal(samples.get('orders_pending{status="REFUND_PENDING"}'), 1)
    assertAge(samples.get('orders_oldest_pending_age_seconds{status="REFUND_PENDING"}'), 100)
  })

  it('is told of a published or failed event as it is', async () => {
    await append(2, 1_000)
    await database.rows(sql`
      UPDATE outbox SET next_attempt_at = now() + interval '1 minute', last_error = 'no queue'`)
    await database.rows(sql`
      UPDATE outbox SET published_at = now() WHERE event_id = (SELECT event_id FROM outbox LIMIT 1)`)
    const samples = await measuring()()
    assert.equal(samples.get('outbox_unpublished'), 1)
    assertAge(samples.get('outbox_oldest_unpublished_age_seconds'), 1_000)
  })

  it('is computed once however many processes are asked, and shown by all with its present age', async () => {
    const processes = Array.from({ length: 5 }, () => measuring())
    await append(1, 100)
    await processes[0]?.()
    const [computed] = await database.rows(sql<{ at: string }>`
      SELECT computed_at::text AS at FROM gauges WHERE name = 'outbox'`)
    await append(1, 200)
    const ages = (await Promise.all(processes.map((scrape) => scrape()))).map((samples) => {
      assert.equal(samples.get('outbox_unpublished'), 1)
      return samples.get('outbox_oldest_unpublished_age_seconds') ?? 0
    })
    for (const age of ages) assertAge(age, 100)
    const [later] = await database.rows(sql<{ at: string }>`
      SELECT computed_at::text AS at FROM gauges WHERE name = 'outbox'`)
    assert.equal(later?.at, computed?.at)
    await outdate()
    await Promise.all(processes.map((scrape) => scrape()))
    const [counted] = await database.rows(sql<{ depth: number }>`
      SELECT depth::int AS depth FROM gauges WHERE name = 'outbox'`)
    assert.equal(counted?.depth, 2)
  })

  it('says for how long old rows have been due to be deleted, of each table that expires', async () => {
    await database.rows(sql`
      INSERT INTO retention (table_name, retention_ms, due_at)
      VALUES ('outbox', 1, now() - interval '2 hours'), ('inbox', 1, now() + interval '1 minute')`)
    const scrape = measuring()
    const samples = await scrape()
    assertAge(samples.get('retention_overdue_seconds{table="outbox"}'), 7_200)
    assert.equal(samples.get('retention_overdue_seconds{table="inbox"}'), 0)
    await database.rows(sql`DELETE FROM retention`)
    assert.equal((await scrape()).get('retention_overdue_seconds{table="outbox"}'), undefined)
  })

  it('waits for nobody who computes it', async () => {
    await measuring()()
    await outdate()
    await database.db.transaction().execute(async (trx) => {
      await refreshOutbox(trx, 0)
      await sql`SELECT FROM gauges FOR UPDATE`.execute(trx)
      const samples = await measuring()()
      assert.equal(samples.get('database_up'), 1)
    })
  })

  it('is not shown when nobody could compute it for a minute', async () => {
    await database.rows(sql`UPDATE gauges SET computed_at = now() - interval '61 s'`)
    await database.db.transaction().execute(async (trx) => {
      await sql`SELECT FROM gauges FOR UPDATE`.execute(trx)
      const samples = await measuring()()
      assert.equal(samples.get('outbox_unpublished'), undefined)
      assert.equal(samples.get('orders_pending{status="PAYMENT_PENDING"}'), undefined)
    })
  })

  it('is counted up to a limit, and costs no more beyond', async () => {
    for (let quarter = 0; quarter < 4; quarter++) await append(maxDepth / 4)
    await append(1)
    await refreshOutbox(database.db, 0)
    const outbox = (await readGauges(database.db)).find(({ name }) => name === 'outbox')
    assert.equal(outbox?.depth, maxDepth)
  })

  it('is absent while the database is silent; the answer comes all the same, and the numbers come back', async () => {
    const proxy = use(await proxyTo(database.url))
    const scrape = measuring(proxy.url)
    await append(1)
    assert.equal((await scrape()).get('outbox_unpublished'), 1)
    const heal = proxy.disturb({ silent: ['up', 'down'] })
    for (let times = 0; times < 2; times++) {
      const startMs = performance.now()
      const samples = await scrape()
      assert.ok(performance.now() - startMs < 4_000)
      assert.equal(samples.get('database_up'), 0)
      assert.equal(samples.get('outbox_unpublished'), undefined)
      assert.equal(samples.get('orders_pending{status="PAYMENT_PENDING"}'), undefined)
      assert.ok(
        (samples.get('db_client_connection_count{db_client_connection_state="used"}') ?? 0) <= 1,
      )
    }
    heal()
    await eventually(async () => (await scrape()).get('database_up') === 1, { timeoutMs: 30_000 })
  })

  it('is absent while the database refuses', async () => {
    const scrape = measuring()
    await database.refuseConnections()
    try {
      const samples = await scrape()
      assert.equal(samples.get('database_up'), 0)
      assert.equal(samples.get('outbox_unpublished'), undefined)
    } finally {
      await database.acceptConnections()
    }
  })
})
