import assert from 'node:assert/strict'
import { sql } from 'kysely'
import { connectDatabase } from '#chassis/database/connect.ts'
import type { OrdersDatabase } from '#tables/orders.ts'
import { useDatabase } from '#testing/database.ts'
import { eventually } from '#testing/eventually.ts'
import { recordingLogger, silent } from '#testing/logger.ts'
import { cleanUpNotifyQueue, fillNotifyQueue, whileListenerIsIdle } from '#testing/notify-queue.ts'
import { proxyTo } from '#testing/proxy.ts'
import { useResources } from '#testing/resources.ts'
import type { Loop } from '../loop.ts'
import { type Listening, listen } from './listener.ts'
import { maxPayloadBytes, notify } from './notify.ts'

type Tuned = 'heartbeatMs' | 'logger' | 'db' | 'observer' | 'turnLimitMs'
type Options = Partial<Pick<Listening<OrdersDatabase>, Tuned>>

const loopsTo = (loops: Loop[]) => (loop: Loop) => void loops.push(loop)

describe('listen', () => {
  const database = useDatabase('orders')
  const use = useResources()

  function hear(url = database.url, options: Options = { heartbeatMs: 5_000 }) {
    const payloads: string[] = []
    const gapsMs: number[] = []
    const failedGapsMs: number[] = []
    const heardWhenAlive: number[] = []
    const { isListening, assertListening } = use(
      listen({
        ...{ name: 'ear', url, db: database.db, channel: 'news', logger: silent, ...options },
        onNotify: (payload) => void payloads.push(payload),
        onListen: (gapMs) => void gapsMs.push(gapMs),
        onDisconnected: (gapMs) => void failedGapsMs.push(gapMs),
        onAlive: () => void heardWhenAlive.push(payloads.length),
      }),
    )
    return { payloads, gapsMs, failedGapsMs, heardWhenAlive, isListening, assertListening }
  }
  const tell = (...payloads: string[]) => notify(database.db, 'news', payloads)

  it('hears what is told, once, and nothing of other channels', async () => {
    const { payloads, gapsMs } = hear()
    await eventually(() => gapsMs.length === 1)
    await notify(database.db, 'other news', ['not for us'])
    await tell('one', 'two')
    await eventually(() => payloads.length === 2)
    assert.deepEqual(payloads, ['one', 'two'])
  })

  it('hears of a transaction when it has committed, and never of one that was rolled back', async () => {
    const { payloads, gapsMs } = hear()
    await eventually(() => gapsMs.length === 1)
    const rolledBack = database.db.transaction().execute(async (trx) => {
      await notify(trx, 'news', ['never'])
      throw new Error('changed my mind')
    })
    await assert.rejects(rolledBack)
    await database.db.transaction().execute(async (trx) => {
      await notify(trx, 'news', ['committed'])
      assert.deepEqual(payloads, [])
    })
    await eventually(() => payloads.length > 0)
    assert.deepEqual(payloads, ['committed'])
  })

  it('is seen to stand still when no heartbeat is answered, and to turn again', async () => {
    const proxy = use(await proxyTo(database.url))
    const loops: Loop[] = []
    const options = { heartbeatMs: 20, turnLimitMs: 400, observer: { loop: loopsTo(loops) } }
    const { isListening, assertListening } = hear(proxy.url, options)
    await eventually(() => isListening())
    assertListening()
    const heal = proxy.disturb({ silent: ['up', 'down'] })
    await eventually(() => (loops[0]?.ageMs ?? 0) > 400)
    assert.throws(() => loops[0]?.assertTurning(), /no turn was completed for \d+ s: listen/)
    assert.throws(() => assertListening())
    heal()
    await eventually(() => isListening(), { timeoutMs: 30_000 })
    assertListening()
  })

  it('measures how late notifications arrive', async () => {
    const lags: number[] = []
    hear(database.url, { heartbeatMs: 20, observer: { notified: (ms) => void lags.push(ms) } })
    await eventually(() => lags.length > 5)
    assert.ok(lags.every((ms) => ms > 0 && ms < 1_500))
  })

  it('frees the queue that a sleeping listener has filled, which stays full for ever otherwise', async () => {
    const { payloads, gapsMs } = hear(database.url, { heartbeatMs: 300 })
    await eventually(() => gapsMs.length === 1)
    const db = use(connectDatabase<unknown>({ name: 'test', url: database.url }))
    try {
      const full = { code: 'unavailable' }
      await whileListenerIsIdle(database.url, () =>
        assert.rejects(fillNotifyQueue(db, 'other news'), full),
      )
      await eventually(() => tell('awake again'))
      await eventually(() => payloads.includes('awake again'))
    } finally {
      await cleanUpNotifyQueue(db)
    }
  })

  it('hears the longest payload that may be sent', async () => {
    const { payloads, gapsMs } = hear()
    await eventually(() => gapsMs.length === 1)
    await tell('x'.repeat(maxPayloadBytes))
    await eventually(() => payloads[0]?.length === maxPayloadBytes)
    await assert.rejects(tell('x'.repeat(maxPayloadBytes + 1)))
  })

  it('says for how long it was disconnected when its connection was lost, and hears again', async () => {
    const { payloads, gapsMs } = hear()
    await eventually(() => gapsMs.length === 1)
    const lostAt = performance.now()
    await eventually(async () => (await database.endConnections('ear listen')) === 1)
    await tell('missed')
    await eventually(() => gapsMs.length === 2)
    const sinceMs = performance.now() - lostAt
    await tell('heard')
    await eventually(() => payloads.includes('heard'))
    assert.ok((gapsMs[1] ?? 0) > 0)
    assert.ok((gapsMs[1] ?? 0) < sinceMs + 1_000)
  })

  it('says that it is alive when it has heard whatever was told before', async () => {
    const proxy = use(await proxyTo(database.url))
    const { gapsMs, heardWhenAlive } = hear(proxy.url, { heartbeatMs: 300 })
    await eventually(() => gapsMs.length === 1)
    await eventually(() => heardWhenAlive.length > 0)
    const before = heardWhenAlive.length
    await tell('one', 'two')
    await eventually(() => heardWhenAlive.length > before + 1)
    assert.equal(heardWhenAlive.at(-1), 2)
    proxy.freeze()
    const mostThen = heardWhenAlive.length + 1 // an answer may be on its way
    await eventually(() => gapsMs.length === 2, { timeoutMs: 60_000 })
    assert.ok(heardWhenAlive.length <= mostThen)
  })

  it('listens as soon as there is a database', async () => {
    await database.refuseConnections()
    const { payloads, gapsMs } = hear()
    await database.acceptConnections()
    await eventually(() => gapsMs.length === 1)
    await eventually(() => tell('hello'))
    await eventually(() => payloads.length === 1)
  })

  it('notices within a few heartbeats that a connection is dead, though nothing says so', async () => {
    const proxy = use(await proxyTo(database.url))
    const { payloads, gapsMs } = hear(proxy.url, { heartbeatMs: 500 })
    await eventually(() => gapsMs.length === 1)
    proxy.freeze()
    await tell('into the void')
    await eventually(() => gapsMs.length === 2, { timeoutMs: 60_000 })
    assert.ok((gapsMs[1] ?? 0) >= 100, `it was disconnected for ${gapsMs[1]} ms`)
    await tell('loud and clear')
    await eventually(() => payloads.includes('loud and clear'))
    assert.ok(!payloads.includes('into the void'))
  })

  it('hears again within 5 s when nothing passes any more, both ways or one', async () => {
    const restored = ([['up', 'down'], ['up'], ['down']] as const).map(async (ways) => {
      const proxy = use(await proxyTo(database.url))
      const { gapsMs } = hear(proxy.url, {})
      await eventually(() => gapsMs.length === 1)
      proxy.freeze(ways)
      await eventually(() => gapsMs.length === 2, { timeoutMs: 5_000 })
    })
    await Promise.all(restored)
  })

  it('notices that notifications are dropped on a connection that answers, says so, and hears again', async () => {
    const proxy = use(await proxyTo(database.url))
    const { logger, lines } = recordingLogger()
    const { payloads, gapsMs, failedGapsMs, heardWhenAlive, isListening } = hear(proxy.url, {
      ...{ heartbeatMs: 300, logger },
    })
    await eventually(isListening)
    const restore = proxy.disturb({ dropsNotifications: true })
    await eventually(() => !isListening())
    const aliveThen = heardWhenAlive.length
    await tell('into the void')
    await eventually(() => gapsMs.length > 2 && failedGapsMs.length > 1) // whoever reads then, learns it
    assert.equal(heardWhenAlive.length, aliveThen)
    assert.ok(!isListening())
    assert.equal(lines.length, 1)
    assert.match(lines[0]?.err?.message ?? '', /notifications do not arrive: a pooler or proxy/)
    restore()
    await eventually(isListening)
    await tell('loud and clear')
    await eventually(() => payloads.includes('loud and clear'))
    assert.ok(!payloads.includes('into the void'))
  })

  it('does not take itself for disconnected when nobody can send a probe', async () => {
    const nowhere = use(
      connectDatabase<OrdersDatabase>({ name: 'none', url: 'postgres://127.0.0.1:9/none' }),
    )
    const { logger, said } = recordingLogger()
    const { gapsMs, heardWhenAlive } = hear(database.url, {
      heartbeatMs: 20,
      logger,
      db: nowhere,
    })
    const heartbeats = new Set<number>()
    await eventually(async () => {
      for (const { query_start } of await database.rows<{ query_start: Date }>(sql`
        SELECT query_start FROM pg_stat_activity
        WHERE application_name = 'ear listen' AND query LIKE '%heartbeat'
      `)) {
        heartbeats.add(query_start.getTime())
      }
      return heartbeats.size > 3
    })
    assert.deepEqual(said, [])
    assert.equal(gapsMs.length, 1)
    assert.equal(heardWhenAlive.length, 0)
  })

  it('closes at once, also while there is no database', async () => {
    const lost = listen({
      ...{ name: 'ear', url: 'postgres://127.0.0.1:9/none', channel: 'news', logger: silent },
      db: database.db,
      onNotify: () => {},
    })
    await lost.close()
  })
})
