import assert from 'node:assert/strict'
import { sql } from 'kysely'
import { eventually, eventuallyPasses } from '#testing/eventually.ts'
import { recordingLogger } from '#testing/logger.ts'
import { useOutbox } from '#testing/outbox.ts'
import { proxyTo } from '#testing/proxy.ts'
import { rabbitmqServer } from '#testing/servers.ts'

describe('a relay', () => {
  const { database, broker, use, relay, append, outbox, ...those } = useOutbox()
  const { count, unpublished, unclaimed, publishedIds, allPublished } = those

  it('publishes again what it could not mark because the database went away', async () => {
    const ids = await append(2)
    const proxy = use(await proxyTo(database.url))
    const wasCut = proxy.cutAt(Buffer.from('published_at = clock_timestamp()'))
    relay({ databaseUrl: proxy.url })
    await eventually(wasCut)
    await allPublished()
    assert.deepEqual(await publishedIds(), [...ids, ...ids].sort())
  })

  it('leaves the rows as they are when the broker goes silent', async () => {
    const proxy = use(await proxyTo(broker.url))
    const { logger, said } = recordingLogger()
    const { isConnected } = relay({ brokerUrl: proxy.url, deadlineMs: 200, logger })
    await eventually(isConnected)
    proxy.freeze()
    await append(2)
    await allPublished() // on the next connection
    assert.ok(said.filter((line) => line === 'connected to the broker').length > 1)
    for (const row of await outbox()) {
      assert.deepEqual([row.publish_attempts, row.last_error, row.waits], [1, null, false])
    }
  })

  it('holds no transaction while the broker is away, and goes on when it is back', async () => {
    const { url, close } = await proxyTo(broker.url)
    close()
    await append(5)
    const { health } = relay({ brokerUrl: url })
    await eventually(async () => /ECONNREFUSED/.test((await health.reason('broker')) ?? ''))
    for (let look = 0; look < 20; look++) {
      assert.equal(await unclaimed(), 5)
      const open = await database.rows(sql`
        SELECT FROM pg_stat_activity WHERE datname = current_database()
          AND application_name LIKE 'relay%' AND state LIKE 'idle in transaction%'`)
      assert.equal(open.length, 0)
    }
    assert.equal(await count(sql`publish_attempts > 0 OR next_attempt_at > now()`), 0)
    use(await proxyTo(broker.url, Number(new URL(url).port)))
    await allPublished()
  })

  it('claims no more while the broker is blocked by an alarm, and goes on afterwards', async function () {
    const { control } = await rabbitmqServer()
    if (!control) this.skip()
    await append(200)
    try {
      await control('set_vm_memory_high_watermark', '0.00001')
      const { health } = relay({ batchSize: 10, deadlineMs: 100, concurrency: 1, idleMs: 10 })
      await eventually(async () => /blocked/.test((await health.reason('broker')) ?? ''))
      await eventually(async () => (await unclaimed()) === 200)
      for (let look = 0; look < 20; look++) {
        assert.equal(await unclaimed(), 200)
        await broker.depth('all') // takes its time
      }
      await control('list_vhosts') // as long as several turns
      assert.equal(await unclaimed(), 200)
      assert.equal(await count(sql`publish_attempts > 0`), 0)
    } finally {
      await control('set_vm_memory_high_watermark', '0.6')
    }
    await allPublished()
  })

  it('survives an outage of the database', async () => {
    relay()
    await append(1)
    await allPublished()
    await database.refuseConnections()
    await database.acceptConnections()
    const ids = await eventually(() => append(2)) // the test's own connections were ended, too
    await eventuallyPasses(async () => assert.equal(await unpublished(), 0))
    assert.equal((await publishedIds()).length, 1 + ids.length)
  })

  it('says that it fails, and is over it, when a column is missing for a while', async () => {
    const { logger, said } = recordingLogger()
    const { health, isConnected } = relay({ logger })
    await eventually(isConnected)
    await database.rows(sql`ALTER TABLE outbox RENAME COLUMN next_attempt_at TO due`)
    const missing = /relaying failed: 42703 column "next_attempt_at"/
    await eventually(async () => missing.test((await health.reason('relaying')) ?? ''))
    assert.ok(said.includes('relaying failed, will retry'))
    await database.rows(sql`ALTER TABLE outbox RENAME COLUMN due TO next_attempt_at`)
    await append(2)
    await allPublished()
    await eventually(() => health.isReady('relaying'))
  })

  it('says that its notifications are dropped on the way, and finds new events by looking', async () => {
    const proxy = use(await proxyTo(database.url))
    proxy.disturb({ dropsNotifications: true })
    const { logger, lines } = recordingLogger()
    relay({ databaseUrl: proxy.url, logger, idleMs: 100 })
    await append(1)
    await allPublished()
    await eventually(() => lines.some(({ err }) => /do not arrive/.test(err?.message ?? '')))
  })

  it('reconnects when its connection to the broker is closed', async () => {
    const { isConnected } = relay()
    await eventually(isConnected)
    await broker.closeConnections()
    await append(2)
    await allPublished()
  })

  it('ends nine breaks with 500 events in flight as soon as the broker is there to stay', async function () {
    this.timeout(180_000)
    const [first = ''] = await append(500)
    const proxy = use(await proxyTo(broker.url))
    const { logger, lines } = recordingLogger()
    const wasCut = () => proxy.cutAt(Buffer.from(first))
    let isOver = wasCut()
    relay({ brokerUrl: proxy.url, logger, batchSize: 500 })
    for (let breaks = 1; breaks < 9; breaks++) {
      await eventually(isOver, { timeoutMs: 30_000 })
      isOver = wasCut()
    }
    await eventually(isOver, { timeoutMs: 30_000 })
    await allPublished(12_000)
    assert.equal(await count(sql`publish_attempts = 1 AND last_error IS NULL`), 500)
    assert.ok(lines.length <= 4 * 9, lines.map(({ msg }) => msg).join('\n'))
  })
})
