import assert from 'node:assert/strict'
import { randomUUIDv7 } from 'node:crypto'
import { type RawBuilder, sql } from 'kysely'
import { connectDatabase } from '#chassis/database/connect.ts'
import { isCode } from '#chassis/errors.ts'
import { useBroker } from '#testing/broker.ts'
import { useDatabase } from '#testing/database.ts'
import { eventually, eventuallyPasses } from '#testing/eventually.ts'
import { recordingLogger, silent } from '#testing/logger.ts'
import { proxyTo } from '#testing/proxy.ts'
import { running, useResources } from '#testing/resources.ts'
import { rabbitmqServer } from '#testing/servers.ts'
import { Publisher } from '../broker/publisher.ts'
import type { MessagingDatabase } from '../tables.ts'
import { appendEvents } from './append.ts'
import { type Relay, relayingOutage, relayOnce, runRelay } from './relay.ts'
import { claimEvents } from './rows.ts'
import { hearWakeUps, relayWaker, WakeUp } from './wake-up.ts'

const topology = {
  exchanges: ['events', 'unbound'],
  queues: [{ queue: 'all', exchange: 'events', routingKeys: ['happened'] }],
}
const routes = {
  Happened: { exchange: 'events', routingKey: 'happened' },
  Unheard: { exchange: 'unbound', routingKey: 'anything' },
  Poison: { exchange: 'nowhere', routingKey: 'happened' },
}

interface OutboxRow {
  event_id: string
  published_at: Date | null
  publish_attempts: number
  last_error: string | null
  waits: boolean
}

describe('relay', () => {
  const database = useDatabase('orders')
  const broker = useBroker()
  const use = useResources()

  beforeEach('empty outbox and queue', async () => {
    await database.rows(sql`TRUNCATE outbox`)
    const publisher = use(
      new Publisher({ name: 'setup', url: broker.url, topology, logger: silent }),
    )
    await publisher.whenReady(AbortSignal.timeout(60_000))
    await broker.channel().purgeQueue('all')
  })

  async function relayWith(overrides: Partial<Relay> = {}): Promise<Relay & { close: () => void }> {
    const { url } = database
    const name = 'relay'
    const db = use(connectDatabase<MessagingDatabase>({ name, url }))
    const publisher = use(new Publisher({ name, url: broker.url, topology, logger: silent }))
    await publisher.whenReady(AbortSignal.timeout(60_000))
    const rest = { routes, batchSize: 100, deadlineMs: 3_000, logger: silent }
    return { db, publisher, ...rest, ...overrides, close: () => {} }
  }

  const own = { name: 'relay', topology, logger: silent }

  async function append(count: number, type = 'Happened'): Promise<string[]> {
    const events = Array.from({ length: count }, () => ({ id: randomUUIDv7(), type }))
    await database.db.transaction().execute((trx) => appendEvents(trx, events))
    return events.map(({ id }) => id).sort()
  }

  const outbox = () =>
    database.rows(sql<OutboxRow>`
      SELECT event_id, published_at, publish_attempts, last_error, next_attempt_at > now() AS waits
      FROM outbox ORDER BY event_id
    `)
  const publishedIds = async () => {
    const messages = await broker.drain('all')
    return messages.map(({ properties }) => String(properties.messageId)).sort()
  }
  const count = async (condition: RawBuilder<unknown>) => {
    const [row] = await database.rows(
      sql<{ count: number }>`SELECT count(*)::int FROM outbox WHERE ${condition}`,
    )
    return row?.count ?? 0
  }
  const unpublished = () => count(sql`published_at IS NULL`)

  describe('relayOnce', () => {
    it('publishes what is due and marks it', async () => {
      const ids = await append(3)
      const turn = await relayOnce(await relayWith())
      assert.deepEqual(turn, { claimed: 3, published: 3, failed: 0, unknown: 0 })
      assert.deepEqual(await publishedIds(), ids)
      for (const row of await outbox()) {
        assert.ok(row.published_at)
        assert.equal(row.publish_attempts, 1)
        assert.equal(row.last_error, null)
      }
    })

    it('sends the event as it was written, named and typed for whoever reads the queue', async () => {
      const [id] = await append(1)
      await relayOnce(await relayWith())
      const [message] = await broker.drain('all')
      assert.ok(message)
      assert.deepEqual(JSON.parse(message.content.toString()), { id, type: 'Happened' })
      const { messageId, type, contentType, deliveryMode, headers } = message.properties
      assert.deepEqual([messageId, type], [id, 'Happened'])
      assert.equal(contentType, 'application/cloudevents+json')
      assert.equal(deliveryMode, 2)
      assert.ok(Math.abs(Date.parse(headers?.['relayed-at']) - Date.now()) < 60_000)
    })

    it('does nothing when there is nothing to do', async () => {
      const turn = await relayOnce(await relayWith())
      assert.deepEqual(turn, { claimed: 0, published: 0, failed: 0, unknown: 0 })
    })

    it('publishes nothing of a transaction that was rolled back', async () => {
      const rolledBack = database.db.transaction().execute(async (trx) => {
        await appendEvents(trx, [{ id: randomUUIDv7(), type: 'Happened' }])
        throw new Error('changed my mind')
      })
      await assert.rejects(rolledBack)
      assert.equal((await relayOnce(await relayWith())).claimed, 0)
    })

    it('publishes what was written first and committed last, and meanwhile what came later', async () => {
      const relay = await relayWith()
      const [early = '', late = ''] = [randomUUIDv7(), randomUUIDv7()].sort()
      await database.db.transaction().execute(async (trx) => {
        await appendEvents(trx, [{ id: early, type: 'Happened' }])
        const events = [{ id: late, type: 'Happened' }]
        await relay.db.transaction().execute((other) => appendEvents(other, events))
        assert.equal((await relayOnce(relay)).published, 1)
      })
      assert.equal((await relayOnce(relay)).published, 1)
      assert.deepEqual(await publishedIds(), [early, late].sort())
    })

    it('claims without reading what was published before, however much that is', async () => {
      await database.rows(sql`
        INSERT INTO outbox (event_id, event_type, payload_json, published_at)
        SELECT gen_random_uuid(), 'Happened', '{}', now() FROM generate_series(1, 20000)
      `)
      const ids = await append(10)
      await database.db.transaction().execute(async (trx) => {
        const claimed = await claimEvents(trx as never, 5)
        assert.equal(claimed.length, 5)
        assert.ok(claimed.every(({ event_id }) => ids.includes(event_id)))
        const { rows } = await sql<{ read: number }>`
          SELECT (seq_tup_read + idx_tup_fetch)::int AS read
          FROM pg_stat_xact_user_tables WHERE relname = 'outbox'
        `.execute(trx)
        assert.ok((rows[0]?.read ?? 0) <= 20, `${rows[0]?.read} rows read`)
      })
    })

    it('publishes what no queue took as soon as there is one', async () => {
      const [id] = await append(1, 'Unheard')
      const relay = await relayWith()
      assert.equal((await relayOnce(relay)).failed, 1)
      await broker.channel().bindQueue('all', 'unbound', 'anything')
      try {
        await eventually(async () => (await relayOnce(relay)).published === 1)
      } finally {
        await broker.channel().unbindQueue('all', 'unbound', 'anything')
      }
      assert.deepEqual(await publishedIds(), [id])
    })

    it('counts an event that no queue takes as failed, though the broker confirmed it', async () => {
      const [lost] = await append(1, 'Unheard')
      const ids = await append(5)
      const turn = await relayOnce(await relayWith())
      assert.deepEqual(turn, { claimed: 6, published: 5, failed: 1, unknown: 0 })
      assert.deepEqual(await publishedIds(), ids)
      const row = (await outbox()).find(({ event_id }) => event_id === lost)
      assert.equal(row?.published_at, null)
      assert.equal(row?.publish_attempts, 1)
      assert.match(row?.last_error ?? '', /no queue for anything at unbound/)
    })

    it('counts an event of an unknown type as failed and passes its neighbours on', async () => {
      const [unknown] = await append(1, 'Unknown')
      const ids = await append(5)
      const turn = await relayOnce(await relayWith())
      assert.deepEqual(turn, { claimed: 6, published: 5, failed: 1, unknown: 0 })
      assert.deepEqual(await publishedIds(), ids)
      const row = (await outbox()).find(({ event_id }) => event_id === unknown)
      assert.match(row?.last_error ?? '', /no route for events of type Unknown/)
    })

    it('leaves a failed event alone for a while, so that it never fills a batch', async () => {
      const relay = await relayWith({ batchSize: 4 })
      await append(4, 'Unknown')
      const ids = await append(3)
      assert.equal((await relayOnce(relay)).failed, 4)
      assert.ok((await outbox()).slice(0, 4).every(({ waits }) => waits))
      assert.deepEqual(await relayOnce(relay), { claimed: 3, published: 3, failed: 0, unknown: 0 })
      assert.deepEqual(await publishedIds(), ids)
    })

    it('tries a failed event again when its time has come', async () => {
      const relay = await relayWith()
      const [id] = await append(1, 'Unknown')
      await relayOnce(relay)
      await database.rows(sql`UPDATE outbox SET next_attempt_at = now(), event_type = 'Happened'`)
      assert.equal((await relayOnce(relay)).published, 1)
      assert.deepEqual(await publishedIds(), [id])
      const [row] = await outbox()
      assert.deepEqual([row?.publish_attempts, row?.last_error], [2, null])
    })

    it('publishes each event once with two relays side by side', async () => {
      const ids = await append(1_000)
      const relays = [await relayWith({ batchSize: 50 }), await relayWith({ batchSize: 50 })]
      const turns = await Promise.all(
        relays.map(async (relay) => {
          let moved = 0
          for (;;) {
            const { published } = await relayOnce(relay)
            if (published === 0) return moved
            moved += published
          }
        }),
      )
      await Promise.all(relays.map(relayOnce)) // the last rows were locked by the other one
      assert.equal(await unpublished(), 0)
      assert.ok((await publishedIds()).join() === ids.join(), 'not each event once')
      assert.ok(turns.every((moved) => moved > 0))
    })

    it('does not wait for events that another relay has in its hands', async () => {
      await append(10)
      const relay = await relayWith()
      const turn = await relay.db.transaction().execute(async (trx) => {
        assert.equal((await claimEvents(trx, 4)).length, 4)
        return relayOnce(relay)
      })
      assert.deepEqual(turn, { claimed: 6, published: 6, failed: 0, unknown: 0 })
    })

    it('publishes again what it could not mark because the database went away', async () => {
      const ids = await append(2)
      const relay = await relayWith()
      const { publisher } = relay
      const dying: Relay['publisher'] = {
        whenReady: (signal) => publisher.whenReady(signal),
        publishAll: async (messages, deadlineMs) => {
          const published = await publisher.publishAll(messages, deadlineMs)
          await database.endConnections('relay')
          return published
        },
      }
      await assert.rejects(relayOnce({ ...relay, publisher: dying }), (error) =>
        isCode(error, 'unavailable'),
      )
      assert.equal(await unpublished(), 2)
      assert.equal((await relayOnce(relay)).published, 2)
      assert.deepEqual(await publishedIds(), [...ids, ...ids].sort())
    })

    it('leaves the rows as they are when the broker is away', async () => {
      await append(2)
      const relay = await relayWith()
      await (relay.publisher as Publisher).close()
      const turn = await relayOnce(relay)
      assert.deepEqual(turn, { claimed: 2, published: 0, failed: 0, unknown: 2 })
      for (const row of await outbox()) {
        assert.deepEqual([row.published_at, row.publish_attempts, row.waits], [null, 0, false])
      }
    })

    it('keeps what was not confirmed when the deadline passes', async () => {
      await append(200)
      const turn = await relayOnce(await relayWith({ batchSize: 200, deadlineMs: 0 }))
      assert.deepEqual(turn, { claimed: 200, published: 0, failed: 200, unknown: 0 })
      assert.equal(await unpublished(), 200)
      assert.match((await outbox())[0]?.last_error ?? '', /no confirm within 0 ms/)
    })

    it('leaves the rows as they are when the broker goes silent', async () => {
      const proxy = use(await proxyTo(broker.url))
      const publisher = use(new Publisher({ ...own, url: proxy.url }))
      await publisher.whenReady(AbortSignal.timeout(60_000))
      await append(2)
      proxy.freeze()
      const turn = await relayOnce(await relayWith({ publisher, deadlineMs: 200 }))
      assert.deepEqual(turn, { claimed: 2, published: 0, failed: 0, unknown: 2 })
      for (const row of await outbox()) {
        assert.deepEqual([row.publish_attempts, row.last_error, row.waits], [0, null, false])
      }
    })

    it('keeps events that the broker refuses', async () => {
      const full = { queue: 'full', exchange: 'overflowing', routingKeys: ['any'] }
      await broker.channel().assertExchange('overflowing', 'topic')
      await broker.channel().assertQueue('full', {
        arguments: { 'x-max-length': 1, 'x-overflow': 'reject-publish' },
      })
      await broker.channel().bindQueue(full.queue, full.exchange, 'any')
      await append(20, 'Refused')
      const refused = { exchange: 'overflowing', routingKey: 'any' }
      const turn = await relayOnce(await relayWith({ routes: { Refused: refused } }))
      assert.ok(turn.published < 20 && turn.failed > 0)
      assert.equal(await unpublished(), turn.failed)
      assert.equal(await broker.depth('full'), turn.published)
    })
  })

  describe('runRelay', () => {
    const patience = { idleMs: 60_000, concurrency: 2 }

    it('drains the outbox and goes on when there is more', async () => {
      await append(950)
      const relay = { ...(await relayWith({ batchSize: 100 })), ...patience, idleMs: 20 }
      use(running((signal) => runRelay({ ...relay, wakeUp: new WakeUp() }, signal)))
      await eventually(async () => (await unpublished()) === 0)
      await append(3)
      await eventually(async () => (await unpublished()) === 0)
      assert.equal((await publishedIds()).length, 953)
    })

    it('hears of new events long before it would look again', async () => {
      const { url } = database
      const heard = use(hearWakeUps({ name: 'relay', url, logger: silent }))
      const relay = { ...(await relayWith()), ...patience, wakeUp: heard }
      use(running((signal) => runRelay(relay, signal)))
      const wake = relayWaker(database.db, silent)
      for (let round = 0; round < 3; round++) {
        await append(1)
        wake()
        await eventually(async () => (await unpublished()) === 0, { timeoutMs: 60_000 })
      }
    })

    it('says that its wake-ups are dropped on the way, and finds new events by looking', async () => {
      const proxy = use(await proxyTo(database.url))
      proxy.disturb({ dropsNotifications: true })
      const { logger, lines } = recordingLogger()
      const heard = use(hearWakeUps({ name: 'relay', url: proxy.url, logger }))
      const relay = { ...(await relayWith()), ...patience, idleMs: 100, wakeUp: heard }
      use(running((signal) => runRelay(relay, signal)))
      await append(1)
      await eventually(async () => (await unpublished()) === 0)
      const isSaid = () => lines.some(({ err }) => /do not arrive/.test(err?.message ?? ''))
      await eventually(isSaid)
    })

    it('finds new events without being woken', async () => {
      const relay = { ...(await relayWith()), ...patience, idleMs: 50, wakeUp: new WakeUp() }
      use(running((signal) => runRelay(relay, signal)))
      await append(1)
      await eventually(async () => (await unpublished()) === 0, { timeoutMs: 60_000 })
    })

    it('holds no transaction while the broker is away, and goes on when it is back', async () => {
      const away = use(
        new Publisher({
          name: 'relay',
          url: broker.url.replace(/:\d+\//, ':9/'),
          topology,
          logger: silent,
        }),
      )
      const attempts = { count: 0 }
      const present = (await relayWith()).publisher
      let publisher: Relay['publisher'] = away
      const either: Relay['publisher'] = {
        whenReady: async (signal) => {
          attempts.count++
          const back = new AbortController()
          const poll = setInterval(() => publisher === present && back.abort(), 10)
          await publisher.whenReady(AbortSignal.any([signal, back.signal]))
          clearInterval(poll)
        },
        publishAll: (messages, deadlineMs) => publisher.publishAll(messages, deadlineMs),
      }
      await append(5)
      const relay = { ...(await relayWith()), ...patience, idleMs: 20, publisher: either }
      use(running((signal) => runRelay({ ...relay, wakeUp: new WakeUp() }, signal)))
      await eventually(() => attempts.count > 0)
      const [row] = await database.rows(sql<{ busy: number }>`
        SELECT count(*)::int AS busy FROM pg_stat_activity
        WHERE datname = current_database() AND application_name = 'relay'
      `)
      assert.equal(row?.busy, 0)
      publisher = present
      await eventually(async () => (await unpublished()) === 0)
    })

    it('claims no more while the broker is blocked by an alarm, and goes on afterwards', async function () {
      const { control } = await rabbitmqServer()
      if (!control) this.skip()
      const relay = await relayWith({ batchSize: 10, deadlineMs: 100 })
      const present = relay.publisher
      let turns = 0
      relay.publisher = {
        whenReady: (signal) => present.whenReady(signal),
        publishAll: (messages, deadlineMs) => {
          turns++
          return present.publishAll(messages, deadlineMs)
        },
      }
      await append(200)
      try {
        await control('set_vm_memory_high_watermark', '0.00001')
        const loop = { ...relay, concurrency: 1, idleMs: 10, wakeUp: new WakeUp() }
        use(running((signal) => runRelay(loop, signal)))
        await eventually(() => turns > 0)
        await control('list_vhosts') // takes long enough for several turns
        assert.ok(turns <= 2, `${turns} turns`)
        assert.equal(await count(sql`publish_attempts > 0`), 0)
      } finally {
        await control('set_vm_memory_high_watermark', '0.6')
      }
      await eventually(async () => (await unpublished()) === 0)
    })

    it('survives an outage of the database', async () => {
      const relay = { ...(await relayWith()), ...patience, idleMs: 20, wakeUp: new WakeUp() }
      use(running((signal) => runRelay(relay, signal)))
      await append(1)
      await eventually(async () => (await unpublished()) === 0)
      await database.goAway()
      await database.comeBack()
      const ids = await eventually(() => append(2)) // the test's own connections were ended, too
      await eventuallyPasses(async () => assert.equal(await unpublished(), 0))
      assert.equal((await publishedIds()).length, 1 + ids.length)
    })

    it('says that it fails, and is over it, when a column is missing for a while', async () => {
      const { logger, lines } = recordingLogger()
      const outage = relayingOutage(logger)
      const loop = { ...(await relayWith()), ...patience, outage, idleMs: 20 }
      use(running((signal) => runRelay({ ...loop, wakeUp: new WakeUp() }, signal)))
      await database.rows(sql`ALTER TABLE outbox RENAME COLUMN next_attempt_at TO due`)
      await eventually(() => !outage.isOver)
      assert.throws(() => outage.assertOver(), /relaying failed: 42703 column "next_attempt_at"/)
      assert.equal(lines[0]?.msg, 'relaying failed, will retry')
      await database.rows(sql`ALTER TABLE outbox RENAME COLUMN due TO next_attempt_at`)
      await append(2)
      await eventually(async () => (await unpublished()) === 0)
      await eventually(() => outage.isOver)
    })

    it('reconnects when its connection to the broker is closed', async () => {
      const relay = { ...(await relayWith()), ...patience, idleMs: 20, wakeUp: new WakeUp() }
      use(running((signal) => runRelay(relay, signal)))
      await broker.closeConnections()
      await append(2)
      await eventually(async () => (await unpublished()) === 0)
    })

    it('ends nine breaks with 500 events in flight as soon as the broker is there to stay', async function () {
      this.timeout(180_000)
      const [first = ''] = await append(500)
      const proxy = use(await proxyTo(broker.url))
      const { logger, lines } = recordingLogger()
      const publisher = use(new Publisher({ ...own, url: proxy.url, logger }))
      const relay = { ...(await relayWith({ batchSize: 500, publisher, logger })), ...patience }
      const wasCut = () => proxy.cutAt(Buffer.from(first))
      let isOver = wasCut()
      use(running((signal) => runRelay({ ...relay, wakeUp: new WakeUp() }, signal)))
      for (let breaks = 1; breaks < 9; breaks++) {
        await eventually(isOver, { timeoutMs: 30_000 })
        isOver = wasCut()
      }
      await eventually(isOver, { timeoutMs: 30_000 })
      await eventually(async () => (await unpublished()) === 0, { timeoutMs: 12_000 })
      assert.equal(await count(sql`publish_attempts = 1 AND last_error IS NULL`), 500)
      assert.ok(lines.length <= 4 * 9, lines.map(({ msg }) => msg).join('\n'))
    })

    it('publishes 500 neighbours of events for which the broker closes the channel, and counts those', async () => {
      const poison = await append(2, 'Poison')
      const ids = await append(500)
      const relay = { ...(await relayWith({ batchSize: 502 })), ...patience, idleMs: 20 }
      use(running((signal) => runRelay({ ...relay, wakeUp: new WakeUp() }, signal)))
      await eventually(async () => (await unpublished()) === 2)
      await eventually(async () => (await count(sql`publish_attempts >= 4`)) === 2)
      const later = await append(100)
      await eventually(async () => (await unpublished()) === 2)
      assert.equal(await count(sql`publish_attempts = 1 AND published_at IS NOT NULL`), 600)
      assert.deepEqual((await publishedIds()).sort(), [...ids, ...later].sort())
      const waiting = (await outbox()).filter(({ published_at }) => published_at === null)
      assert.deepEqual(waiting.map(({ event_id }) => event_id).sort(), poison)
      for (const { last_error } of waiting) assert.match(last_error ?? '', /no exchange 'nowhere'/)
    })

    it('stops promptly, also in the middle of its idle time', async () => {
      const relay = { ...(await relayWith()), ...patience, wakeUp: new WakeUp() }
      const loop = running((signal) => runRelay(relay, signal))
      await append(1)
      relay.wakeUp.ring()
      await eventually(async () => (await unpublished()) === 0)
      const startedAt = performance.now()
      await loop.close()
      assert.ok(performance.now() - startedAt < 1_000)
    })
  })
})
