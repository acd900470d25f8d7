import assert from 'node:assert/strict'
import { sql } from 'kysely'
import { eventually } from '#testing/eventually.ts'
import { useInbox } from '#testing/inbox.ts'
import { useOutbox } from '#testing/outbox.ts'
import { proxyTo } from '#testing/proxy.ts'
import type { Thing } from '#testing/things.ts'
import { type MessagingDatabase, RowLocks } from '../index.ts'
import type { Loop } from '../loop.ts'

const turnLimitMs = 300
const patience = { timeoutMs: 30_000 }
const standsStill = /^no turn was completed for \d+ s/

describe('a relay whose loop stands still', function () {
  this.timeout(60_000)
  const { database, broker, use, relay, append, allPublished } = useOutbox()

  it('is not ready until it turns again', async () => {
    const { health } = relay({ turnLimitMs })
    await eventually(() => health.isReady('relay loop'))
    await database.db.transaction().execute(async (trx) => {
      await sql`LOCK TABLE outbox IN ACCESS EXCLUSIVE MODE`.execute(trx)
      await eventually(async () => standsStill.test((await health.reason('relay loop')) ?? ''))
    })
    await eventually(() => health.isReady('relay loop'), patience)
    await append(1)
    await allPublished()
  })

  it('is told from one that waits for the broker, which is not ready for another reason', async () => {
    const loops: Loop[] = []
    const proxy = use(await proxyTo(broker.url))
    const observer = { loop: (loop: Loop) => void loops.push(loop) }
    const { health, isConnected } = relay({ brokerUrl: proxy.url, turnLimitMs, observer })
    await eventually(isConnected)
    proxy.close()
    await append(1)
    await eventually(async () => !(await health.isReady('broker')))
    const untilMs = performance.now() + 4 * turnLimitMs
    while (performance.now() < untilMs) {
      assert.equal(await health.reason('relay loop'), undefined)
      await database.rows(sql`SELECT pg_sleep(0.02)`)
    }
    assert.deepEqual(loops.map(({ name }) => name).sort(), ['listen', 'relay'])
    use(await proxyTo(broker.url, Number(new URL(proxy.url).port)))
    await allPublished()
  })

  it('is ready while it has nothing to do', async () => {
    const { health, isConnected } = relay({ turnLimitMs, idleMs: 20 })
    await eventually(isConnected)
    const untilMs = performance.now() + 2 * turnLimitMs
    while (performance.now() < untilMs) {
      assert.equal(await health.reason('relay loop'), undefined)
      await database.rows(sql`SELECT pg_sleep(0.02)`)
    }
  })
})

describe('a consumer whose loops stand still', function () {
  this.timeout(60_000)
  const { database, use, start, sendMany, redeliver, hasHandled } = useInbox()
  const rowLocks = () =>
    new RowLocks<MessagingDatabase, Thing>({ keyOf: ({ id }) => id, lockOrSkip: async () => [] })
  const names = ['consumer loop', 'quarantine loop', 'deferred events loop']

  it('is not ready, naming each, until they turn again; without work it is ready', async () => {
    const proxy = use(await proxyTo(database.url))
    const before = await sendMany(1)
    await redeliver(1)
    const limit = 3_000 // longer than the pause of the deferred events
    const { health, isConsuming } = start({
      databaseUrl: proxy.url,
      rowLocks: rowLocks(),
      turnLimitMs: limit,
    })
    await eventually(isConsuming)
    await hasHandled(before)
    for (const name of names) assert.equal(await health.reason(name), undefined, name)
    const [redelivered] = await sendMany(1)
    assert.ok(redelivered)
    await hasHandled([...before, redelivered])

    const heal = proxy.disturb({ silent: ['up', 'down'] })
    const [fresh] = await sendMany(1)
    assert.ok(fresh)
    await eventually(
      async () => standsStill.test((await health.reason('consumer loop')) ?? ''),
      patience,
    )
    await eventually(
      async () => standsStill.test((await health.reason('deferred events loop')) ?? ''),
      patience,
    )
    heal()
    for (const name of names) await eventually(() => health.isReady(name), patience)
    await hasHandled([...before, redelivered, fresh])
  })

  it('is not ready when the quarantine stands still', async () => {
    const proxy = use(await proxyTo(database.url))
    const heal = proxy.disturb({ silent: ['up', 'down'] })
    const events = await sendMany(1)
    await redeliver(1)
    const { health } = start({ databaseUrl: proxy.url, turnLimitMs })
    await eventually(
      async () => standsStill.test((await health.reason('quarantine loop')) ?? ''),
      patience,
    )
    assert.equal(await health.reason('consumer loop'), undefined)
    heal()
    await hasHandled(events)
    await eventually(() => health.isReady('quarantine loop'), patience)
  })
})
