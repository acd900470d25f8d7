import assert from 'node:assert/strict'
import { randomUUIDv7 } from 'node:crypto'
import amqp from 'amqplib'
import { sql, type Transaction } from 'kysely'
import { connectDatabase } from '#chassis/database/connect.ts'
import { AppError } from '#chassis/errors.ts'
import { useBroker } from '#testing/broker.ts'
import { useDatabase } from '#testing/database.ts'
import { eventually, eventuallyPasses } from '#testing/eventually.ts'
import { recordingLogger, silent } from '#testing/logger.ts'
import { proxyTo } from '#testing/proxy.ts'
import { running, useResources } from '#testing/resources.ts'
import { Publisher } from '../broker/publisher.ts'
import type { MessagingDatabase } from '../tables.ts'
import { runConsumer, subscribe, TaskGroup } from './consumer.ts'
import { handleEvents } from './handle-events.ts'
import { processBatch } from './process-batch.ts'
import { firstRedelivery, quietPeriodMs } from './quarantine-policy.ts'
import { readAttempts, recordStart, revertStart } from './rows.ts'
import type { ConsumerOptions, Outcome } from './types.ts'

interface Thing {
  id: string
  type: string
  note?: string
}
type Trx = Transaction<MessagingDatabase>
type Handle = (trx: Trx, events: Thing[]) => Promise<Outcome[]>

const queue = 'things'
const dead = 'things.dlq'
const topology = { queues: [{ queue, exchange: 'things', routingKeys: ['thing'] }] }

/** What PostgreSQL answers to a commit. */
const committed = Buffer.from('COMMIT\0')

describe('consumer', () => {
  const database = useDatabase('orders')
  const broker = useBroker()
  const use = useResources()

  before('make a table for effects', () =>
    database.rows(
      sql`CREATE TABLE effects (event_id text, batch xid8 DEFAULT pg_current_xact_id())`,
    ),
  )

  beforeEach('empty inbox, effects and queues', async () => {
    await eventually(() => database.rows(sql`TRUNCATE inbox, attempts, effects`))
    const publisher = use(
      new Publisher({ name: 'setup', url: broker.url, topology, logger: silent }),
    )
    await publisher.whenReady(AbortSignal.timeout(60_000))
    await broker.channel().purgeQueue(queue)
    await broker.channel().purgeQueue(dead)
  })

  /** The plain handler: each event leaves its mark. */
  const handle: Handle = async (trx, events) => {
    const ids = events.map(({ id }) => id)
    await sql`INSERT INTO effects (event_id) SELECT unnest(${ids}::text[])`.execute(trx)
    return events.map(() => ({ kind: 'handled' }))
  }
  /** The same, except for events with a note. */
  const handleUnless =
    (exception: (event: Thing) => Promise<Outcome> | Outcome): Handle =>
    async (trx, events) => {
      const plain = events.filter(({ note }) => note === undefined)
      if (plain.length > 0) await handle(trx, plain)
      const outcomes: Outcome[] = []
      for (const event of events) {
        outcomes.push(event.note === undefined ? { kind: 'handled' } : await exception(event))
      }
      return outcomes
    }

  function decode(
    content: Buffer,
  ): ReturnType<ConsumerOptions<MessagingDatabase, Thing>['decode']> {
    try {
      return { kind: 'event', event: JSON.parse(content.toString()) }
    } catch {
      return { kind: 'invalid', reason: 'not-json', error: 'the message is not JSON' }
    }
  }

  type Options = Partial<ConsumerOptions<MessagingDatabase, Thing>>

  /** All that a consumer needs, but not running. */
  function open(options: Options = {}, url = broker.url) {
    const at = { name: 'consumer', url, topology, logger: options.logger ?? silent }
    const deadLetters = use(new Publisher(at))
    const db = use(connectDatabase<MessagingDatabase>({ name: 'consumer', url: database.url }))
    const inbox = {
      ...{ db, queue, decode, handle, deadLetters, maxAttempts: 3, timing: { retryBaseMs: 10 } },
      ...{ batchSize: 100, concurrency: 2, lingerMs: 2, logger: silent },
      ...options,
    }
    return { inbox, subscription: subscribe({ ...at, queue }, inbox) }
  }

  async function consume(options: Options = {}, url?: string) {
    const { inbox, subscription } = open(options, url)
    const loop = use(running((signal) => runConsumer(inbox, subscription, signal)))
    await eventually(() => subscription.isConsuming())
    return { ...loop, isConsuming: () => subscription.isConsuming() }
  }

  const newEvent = (note?: string): Thing => ({
    id: randomUUIDv7(),
    type: 'Thing',
    ...(note && { note }),
  })
  const send = (event: Thing) =>
    broker.publish({ exchange: 'things', routingKey: 'thing' }, event, {
      messageId: event.id,
      type: event.type,
      contentType: 'application/cloudevents+json',
    })
  const sendMany = async (count: number) => {
    const events = Array.from({ length: count }, () => newEvent())
    await Promise.all(events.map(send))
    return events
  }
  /** Delivers so many messages to somebody who is gone then, as after a death. */
  async function comeBack(count: number): Promise<void> {
    const connection = await amqp.connect(broker.url)
    const channel = await connection.createChannel()
    for (let got = 0; got < count; got++) assert.ok(await channel.get(queue))
    await connection.close()
    await eventually(async () => (await broker.depth(queue)) === count)
  }
  const effects = () =>
    database.rows(sql<{ event_id: string; batch: string }>`
      SELECT event_id, batch::text FROM effects ORDER BY event_id
    `)
  const effectIds = async () => (await effects()).map(({ event_id }) => event_id)
  const idsOf = (events: Thing[]) => events.map(({ id }) => id).sort()
  const rememberedIds = async () => {
    const rows = await database.rows(sql<{ event_id: string }>`
      SELECT event_id FROM inbox ORDER BY event_id::text
    `)
    return rows.map(({ event_id }) => event_id)
  }
  const hasHandled = (events: Thing[]) =>
    eventuallyPasses(async () => assert.deepEqual(await effectIds(), idsOf(events)))
  const nextDeadLetters = (count: number) =>
    eventually(async () => (await broker.depth(dead)) >= count && broker.drain(dead))

  describe('batches', () => {
    it('handles what has arrived in one transaction, with the memory of it', async () => {
      const events = await sendMany(50)
      await consume({ lingerMs: 300, concurrency: 1 })
      await hasHandled(events)
      assert.equal(new Set((await effects()).map(({ batch }) => batch)).size, 1)
      assert.deepEqual(await rememberedIds(), idsOf(events))
      await eventually(async () => (await broker.depth(queue)) === 0)
    })

    it('works on as many batches at the same time as its concurrency allows, also after idling', async () => {
      let atWork = 0
      let most = 0
      const slowly: Handle = async (trx, events) => {
        most = Math.max(most, ++atWork)
        await eventually(() => most === 2, { timeoutMs: 60_000 }).finally(() => atWork--)
        return handle(trx, events)
      }
      await consume({ handle: slowly, batchSize: 1, concurrency: 2, maxAttempts: 1 })
      await hasHandled(await sendMany(2))
    })

    it('lets the same message have one effect, however often it comes', async () => {
      const event = newEvent()
      const neighbours = await sendMany(5)
      await consume({ batchSize: 7 })
      await Promise.all(Array.from({ length: 100 }, () => send(event)))
      await hasHandled([event, ...neighbours])
      await eventually(async () => (await broker.depth(queue)) === 0)
      assert.equal((await effectIds()).length, 6)
      assert.equal(await broker.depth(dead), 0)
    })

    it('takes no notice of what somebody has written into the headers of brokers and libraries', async () => {
      await consume()
      const event = newEvent()
      const headers = { 'x-death': 'none', 'x-delivery-count': 'many', rascal: 'x', CC: [] }
      await broker.publish({ routingKey: queue }, event, { messageId: event.id, headers })
      await hasHandled([event])
      assert.equal(await broker.depth(dead), 0)
    })

    it('tells when something was committed', async () => {
      let commits = 0
      await consume({ onCommit: () => void commits++ })
      await hasHandled(await sendMany(1))
      await eventually(() => commits > 0)
    })

    it('does not deadlock with another consumer that has the same events in another order', async () => {
      const events = Array.from({ length: 200 }, newEvent.bind(null, undefined))
      const { inbox, subscription } = open()
      await subscription.close()
      const shuffled = () => events.toSorted(() => Math.random() - 0.5)
      let begun = 0
      const db = new Proxy(inbox.db, {
        get: (target, name) => {
          if (name === 'transaction') begun++
          const value = Reflect.get(target, name)
          return typeof value === 'function' ? value.bind(target) : value
        },
      })
      for (let round = 0; round < 5; round++) {
        await database.rows(sql`TRUNCATE inbox`)
        const all = Array.from({ length: 6 }, () => handleEvents({ ...inbox, db }, shuffled()))
        await Promise.all(all)
      }
      assert.equal(begun, 30, 'a batch was rolled back and begun anew')
    })
  })

  it('remembers events in the order of their ids, so that two consumers wait in one direction', async () => {
    const [first, second, third] = [newEvent(), newEvent(), newEvent()].sort((a, b) =>
      a.id < b.id ? -1 : 1,
    ) as [Thing, Thing, Thing]
    const { inbox, subscription } = open()
    await subscription.close()
    const remember = ({ id }: Thing) => sql`INSERT INTO inbox (event_id) VALUES (${id})`
    let handling: Promise<unknown> = Promise.resolve()
    await database.db.transaction().execute(async (trx) => {
      await sql`SET LOCAL lock_timeout = '500ms'`.execute(trx)
      await remember(second).execute(trx)
      handling = handleEvents(inbox, [third, second, first])
      await eventually(async () => {
        const waiting = await database.rows(sql`
          SELECT FROM pg_stat_activity
          WHERE datname = current_database() AND wait_event_type = 'Lock'
        `)
        return waiting.length > 0
      })
      await remember(third).execute(trx) // which nobody holds who waits for the second
    })
    await handling
    assert.deepEqual(await effectIds(), [first.id])
  })

  describe('an event that fails', () => {
    it('is split off: its neighbours are handled', async () => {
      const failing = newEvent('fails')
      const handleSome = handleUnless(() => Promise.reject(new Error('no good')))
      const events = await sendMany(20)
      await send(failing)
      const { logger, lines } = recordingLogger()
      await consume({ handle: handleSome, lingerMs: 200, maxAttempts: 2, logger })
      await hasHandled(events)
      const [letter] = await nextDeadLetters(1)
      assert.equal(letter?.properties.messageId, failing.id)
      const failures = lines.filter(({ msg }) => msg === 'event failed')
      assert.deepEqual(
        failures.map((line) => line.message_id),
        [failing.id, failing.id],
      )
      assert.deepEqual(await rememberedIds(), idsOf(events))
    })

    it('is tried again after growing waits, and is then a dead letter that says why', async () => {
      const times: number[] = []
      const failing = newEvent('fails')
      const handleSome = handleUnless(() => {
        times.push(performance.now())
        return Promise.reject(new Error(`no good, time ${times.length}`))
      })
      await consume({ handle: handleSome, maxAttempts: 3, timing: { retryBaseMs: 40 } })
      await send(failing)
      const [letter] = await nextDeadLetters(1)
      assert.equal(times.length, 3)
      const [first = 0, second = 0, third = 0] = times
      assert.ok(second - first >= 39, `first wait ${second - first}`) // 40 to 80 ms
      assert.ok(third - second >= 79, `second wait ${third - second}`) // 80 to 160 ms
      assert.deepEqual(JSON.parse(String(letter?.content)), failing)
      const { headers, type, contentType } = letter?.properties ?? {}
      assert.deepEqual([type, contentType], ['Thing', 'application/cloudevents+json'])
      assert.equal(headers?.['dead-letter-reason'], 'attempts-exhausted')
      assert.match(headers?.['last-error'], /no good, time 3/)
      assert.equal(headers?.attempts, 3)
      assert.equal(headers?.['original-queue'], queue)
      assert.equal(headers?.['original-exchange'], 'things')
      assert.equal(headers?.['original-routing-key'], 'thing')
      assert.ok(!Number.isNaN(Date.parse(headers?.['dead-lettered-at'])))
      await eventually(async () => (await broker.depth(queue)) === 0)
    })

    it('is handled when the reason passes before its attempts are used up', async () => {
      let tries = 0
      const event = newEvent('fails once')
      const handleSome = handleUnless(() => {
        if (++tries === 1) throw new Error('not yet')
        return { kind: 'handled' }
      })
      await consume({ handle: handleSome })
      await send(event)
      await eventuallyPasses(async () => assert.deepEqual(await rememberedIds(), [event.id]))
      assert.equal(await broker.depth(dead), 0)
    })

    it('does not count another transaction in the way as its failure', async () => {
      let tries = 0
      const event = newEvent('collides')
      const handleSome = handleUnless(() => {
        if (++tries <= 3) throw new AppError('conflict', 'somebody was faster')
        return { kind: 'handled' }
      })
      await consume({ handle: handleSome, maxAttempts: 1 })
      await send(event)
      await eventuallyPasses(async () => assert.deepEqual(await rememberedIds(), [event.id]))
      assert.equal(await broker.depth(dead), 0)
    })

    it('is a dead letter at once when the handler sets it aside, and can be sent again', async () => {
      let times = 0
      const event = newEvent('strange')
      const handleSome = handleUnless(() =>
        ++times === 1
          ? { kind: 'dead-letter', reason: 'strange', error: 'so odd' }
          : { kind: 'handled' },
      )
      await consume({ handle: handleSome })
      const neighbours = await sendMany(3)
      await send(event)
      const [letter] = await nextDeadLetters(1)
      assert.ok(letter)
      assert.equal(letter.properties.headers?.['dead-letter-reason'], 'strange')
      assert.equal(letter.properties.headers?.['last-error'], 'so odd')
      await hasHandled(neighbours)
      assert.deepEqual(await rememberedIds(), idsOf(neighbours))

      const { messageId, type, headers } = letter.properties
      await broker.publish({ routingKey: queue }, letter.content, { messageId, type, headers })
      const all = idsOf([event, ...neighbours])
      await eventuallyPasses(async () => assert.deepEqual(await rememberedIds(), all))
      assert.equal(times, 2)
    })
  })

  describe('a message that is no event', () => {
    for (const [what, content, contentType, reason] of [
      ['is not JSON', 'no { json', 'application/cloudevents+json', 'not-json'],
      ['is not JSON though it says so', 'no { json', 'application/json', 'not-json'],
      ['is empty', '', undefined, 'not-json'],
      ['has 10 MB', Buffer.alloc(10_000_000, 32), 'application/json', 'too-large'],
    ] as const) {
      it(`is a dead letter at once when it ${what}, and its neighbours are handled`, async () => {
        const before = await sendMany(3)
        await broker.publish({ routingKey: queue }, content, {
          ...(contentType && { contentType }),
          headers: { mine: 'kept' },
        })
        const after = await sendMany(3)
        await consume({ lingerMs: 100, maxAttempts: 100, timing: { retryBaseMs: 60_000 } })
        await hasHandled([...before, ...after])
        const [letter] = await nextDeadLetters(1)
        assert.equal(letter?.properties.headers?.['dead-letter-reason'], reason)
        assert.match(letter?.properties.headers?.['last-error'], /message/)
        assert.equal(letter?.properties.headers?.mine, 'kept')
        assert.equal(letter?.content.length, content.length)
        await eventually(async () => (await broker.depth(queue)) === 0)
      })
    }

    it('is given back, not lost, while its dead letter cannot be written', async () => {
      const nowhere = { name: 'lost', url: 'amqp://127.0.0.1:9', topology, logger: silent }
      let decoded = 0
      const consumer = await consume({
        deadLetters: use(new Publisher(nowhere)),
        decode: (content) => {
          decoded++
          return decode(content)
        },
      })
      await broker.publish({ routingKey: queue }, 'not JSON')
      await eventually(() => decoded > 0)
      assert.equal(await broker.depth(queue), 0)
      await consumer.close()
      await eventuallyPasses(async () => assert.equal(await broker.depth(queue), 1))
    })
  })

  describe('an event that waits for the lock of somebody else', () => {
    it('does not hold up its neighbours, and is handled when the lock is gone', async () => {
      await database.rows(sql`INSERT INTO effects (event_id) VALUES ('held')`)
      const needsLock = handleUnless(async () => ({ kind: 'handled' }))
      const locking: Handle = async (trx, events) => {
        await sql`SET LOCAL lock_timeout = '50ms'`.execute(trx)
        if (events.some(({ note }) => note === 'locked')) {
          await sql`UPDATE effects SET batch = batch WHERE event_id = 'held'`.execute(trx)
        }
        return needsLock(trx, events)
      }
      const plain = Array.from({ length: 20 }, () => newEvent())
      const locked = newEvent('locked')
      await database.db.transaction().execute(async (holder) => {
        await sql`SELECT FROM effects WHERE event_id = 'held' FOR UPDATE`.execute(holder)
        await Promise.all([...plain, locked].map(send))
        await consume({ handle: locking, maxAttempts: 1 })
        await eventuallyPasses(async () => assert.deepEqual(await rememberedIds(), idsOf(plain)))
      })
      await eventually(async () => (await rememberedIds()).includes(locked.id))
      assert.equal(await broker.depth(dead), 0)
    })
  })

  describe('a batch', () => {
    it('is handled again as a whole when a statement took too long: no event is to blame', async () => {
      const events = await sendMany(50)
      const begun: number[] = []
      const slow: Handle = async (trx, some) => {
        begun.push(some.length)
        if (begun.length <= 3) await sql`DO $$ BEGIN RAISE query_canceled; END $$`.execute(trx)
        return handle(trx, some)
      }
      await consume({ handle: slow, concurrency: 1, lingerMs: 300, maxAttempts: 1 })
      await hasHandled(events)
      assert.deepEqual(begun, [50, 50, 50, 50])
      assert.deepEqual(await database.rows(sql`SELECT FROM attempts`), [])
      assert.equal(await broker.depth(dead), 0)
    })

    /** Handles a hundred events while somebody else is handling some of them; how it began and ended. */
    async function handleBeside(others: number) {
      const db = use(
        connectDatabase<MessagingDatabase>({
          name: 'consumer',
          url: database.url,
          lockTimeoutMs: 50,
        }),
      )
      let transactions = 0
      const counting: typeof db.transaction = () => {
        transactions++
        return db.transaction()
      }
      const counted = new Proxy(db, {
        get: (target, name) => (name === 'transaction' ? counting : Reflect.get(target, name)),
      })
      const events = Array.from({ length: 100 }, () => newEvent())
      const endings = await database.db.transaction().execute(async (other) => {
        for (const { id } of events.slice(0, others)) {
          await sql`INSERT INTO inbox (event_id) VALUES (${id})`.execute(other)
        }
        return handleEvents({ db: counted, handle }, events)
      })
      const kinds = events.map(({ id }) => endings.get(id)?.kind)
      return { transactions, kinds }
    }

    it('lets only those wait that somebody else is handling just now', async () => {
      const { kinds } = await handleBeside(2)
      assert.deepEqual(kinds, [...Array(2).fill('retry'), ...Array(98).fill('handled')])
    })

    it('is given up after twenty waits, and tried again one by one, when most of it has to wait', async () => {
      const { transactions, kinds } = await handleBeside(80)
      assert.ok(transactions <= 45, `${transactions} transactions`)
      assert.ok(kinds.every((kind) => kind === 'retry' || kind === 'handled'))
      assert.ok(kinds.slice(0, 80).every((kind) => kind === 'retry'))
    })
  })

  describe('a dead letter', () => {
    it('finds its queue declared anew when it was deleted, and consuming goes on meanwhile', async () => {
      const { logger, said } = recordingLogger()
      await consume({ logger })
      await broker.channel().deleteQueue(dead)
      const bad = [newEvent(), newEvent(), newEvent()].map(({ id }) => id)
      const to = { exchange: 'things', routingKey: 'thing' }
      await Promise.all(bad.map((messageId) => broker.publish(to, 'no json', { messageId })))
      await hasHandled(await sendMany(5))
      await eventually(() => said.filter((line) => line === 'dead letter').length === bad.length)
      const letters = await broker.drain(dead)
      assert.deepEqual(letters.map(({ properties }) => properties.messageId).sort(), bad.sort())
    })

    it('leaves headers out that are too large to be sent on', async () => {
      await consume()
      const headers = { padding: 'x'.repeat(65_450) }
      await broker.publish({ exchange: 'things', routingKey: 'thing' }, 'no json', { headers })
      const [letter] = await nextDeadLetters(1)
      assert.equal(letter?.properties.headers?.['dead-letter-reason'], 'not-json')
      assert.equal(letter?.properties.headers?.padding, undefined)
    })
  })

  describe('an event that was alone with a consumer that crashed', () => {
    /** So many messages are redelivered after a crash; one of them was alone with its consumer before. */
    async function sendCrashed(count: number, place: number) {
      const events = await sendMany(count)
      await comeBack(count)
      const crashed = events[place] as Thing
      await database.rows(sql`
        INSERT INTO attempts (event_id, started, finished) VALUES (${crashed.id}::uuid, 2, 0)
      `)
      return { events, crashed }
    }

    /** Handles them all, 10 ms each, and says when each was begun, the first one first. */
    async function consumeSlowly(events: Thing[]) {
      const begun: { id: string | undefined; atMs: number }[] = []
      const slow: Handle = async (trx, events) => {
        begun.push({ id: events[0]?.id, atMs: performance.now() })
        await sql`SELECT pg_sleep(0.01)`.execute(trx)
        return handle(trx, events)
      }
      await consume({ handle: slow, batchSize: 200 })
      await hasHandled(events)
      return begun
    }

    it('is tried after its neighbours, but not after all', async () => {
      const { events, crashed } = await sendCrashed(300, 150) // which take longer than it waits
      const begun = await consumeSlowly(events)
      const turn = begun.findIndex(({ id }) => id === crashed.id)
      assert.ok(turn > 0 && turn < events.length - 1, `it was number ${turn}`)
    })

    it('is tried when its last neighbour has been told', async () => {
      const { events, crashed } = await sendCrashed(20, 0) // which take longer than it must wait anyway
      const [neighbour, last] = (await consumeSlowly(events)).slice(-2)
      assert.ok(neighbour && last)
      assert.equal(last.id, crashed.id)
      assert.ok(
        last.atMs - neighbour.atMs >= quietPeriodMs,
        `${last.atMs - neighbour.atMs} ms later`,
      )
    })
  })

  describe('a message that was delivered before', () => {
    it('is no crash loop when its consumer was told to stop while it waits for the database', async () => {
      let isFull = true
      const waiting: Handle = async (trx, events) => {
        if (isFull) await sql`DO $$ BEGIN RAISE disk_full; END $$`.execute(trx)
        return handle(trx, events)
      }
      const event = newEvent()
      await send(event)
      await comeBack(1)
      for (let stops = 0; stops < 3; stops++) {
        const { logger, said } = recordingLogger()
        const consumer = await consume({ handle: waiting, logger })
        await eventually(() =>
          said.some((line) => line.startsWith('the database cannot handle messages')),
        )
        await consumer.close()
        await eventually(async () => (await broker.depth(queue)) === 1)
      }
      isFull = false
      await consume({ handle: waiting })
      await hasHandled([event])
      assert.equal(await broker.depth(dead), 0)
      assert.deepEqual(await database.rows(sql`SELECT FROM attempts`), [])
    })

    it('is counted once when it is begun, however often that is said', async () => {
      const { inbox, subscription } = open()
      await subscription.close()
      const { id } = newEvent()
      await recordStart(inbox.db, id, firstRedelivery)
      await recordStart(inbox.db, id, firstRedelivery)
      assert.equal((await readAttempts(inbox.db, [id])).get(id)?.started, 2)
      await revertStart(inbox.db, id, firstRedelivery)
      await revertStart(inbox.db, id, firstRedelivery)
      assert.equal((await readAttempts(inbox.db, [id])).get(id)?.started, 1)
    })
  })

  describe('when the database is away', () => {
    it('holds its messages, makes none of them a dead letter, and goes on afterwards', async () => {
      const { logger, said } = recordingLogger()
      await consume({ maxAttempts: 1, logger })
      const before = await sendMany(3)
      await hasHandled(before)
      await database.goAway()
      const during = await sendMany(20)
      await eventually(() => said.some((line) => line.includes('which are held')))
      await eventually(async () => (await broker.depth(queue)) === 0) // all in its hands
      await database.comeBack()
      await eventually(() => database.rows(sql`SELECT`)) // the test's own connections
      await hasHandled([...before, ...during])
      assert.equal(await broker.depth(dead), 0)
      assert.ok(!said.includes('event failed'))
    })

    it('handles again what was lost in the middle of a transaction', async () => {
      let times = 0
      const dying: Handle = async (trx, events) => {
        const outcomes = await handle(trx, events)
        if (++times === 1) {
          await sql`SELECT pg_terminate_backend(pg_backend_pid())`.execute(trx)
        }
        return outcomes
      }
      await consume({ handle: dying, maxAttempts: 1 })
      await hasHandled(await sendMany(1))
      assert.equal(times, 2)
      assert.equal(await broker.depth(dead), 0)
    })

    it('does once what was committed though the answer to the commit was lost', async () => {
      const proxy = use(await proxyTo(database.url))
      const db = use(connectDatabase<MessagingDatabase>({ name: 'consumer', url: proxy.url }))
      const consumer = await consume({ db, concurrency: 1, maxAttempts: 1 })
      const events: Thing[] = []
      for (let time = 0; time < 20; time++) {
        const wasCut = proxy.cutAt(committed, 'down')
        events.push(...(await sendMany(1)))
        await hasHandled(events)
        assert.ok(wasCut())
      }
      await consumer.close()
      assert.deepEqual(await effectIds(), idsOf(events))
      await eventuallyPasses(async () => assert.equal(await broker.depth(queue), 0))
      assert.equal(await broker.depth(dead), 0)
    })

    it('makes no dead letter of what a full disk, or too many connections, hold up', async () => {
      const refusals = ['disk_full', 'too_many_connections', 'out_of_memory']
      let tries = 0
      const refused: Handle = async (trx, events) => {
        const refusal = refusals[tries++]
        if (refusal) await sql.raw(`DO $$ BEGIN RAISE ${refusal}; END $$`).execute(trx)
        return handle(trx, events)
      }
      const events = await sendMany(1)
      await consume({ handle: refused, maxAttempts: 1 })
      await hasHandled(events)
      assert.equal(tries, refusals.length + 1)
      assert.equal(await broker.depth(dead), 0)
    })

    it('acknowledges only after the commit: without one, the broker keeps the message', async () => {
      const stop = new AbortController()
      const settled: string[] = []
      let settledBeforeCommit = 0
      const dying: Handle = async (trx, events) => {
        await handle(trx, events)
        settledBeforeCommit = settled.length
        stop.abort()
        await database.endConnections('consumer') // not the statement, but the commit fails
        return events.map(() => ({ kind: 'handled' }))
      }
      const event = newEvent()
      await send(event)
      const { inbox, subscription } = open({ handle: dying })
      const received = await subscription.buffer.take(1, 0, AbortSignal.timeout(60_000))
      const watched = received.map((delivery) => ({
        ...delivery,
        ack: () => {
          settled.push('ack')
          delivery.ack()
        },
      }))
      const background = new TaskGroup()
      await processBatch({ ...inbox, ...subscription, background, signal: stop.signal }, watched)
      await background.done()
      await subscription.close()
      assert.deepEqual([settledBeforeCommit, settled], [0, []])
      assert.deepEqual(await effectIds(), [])
      await eventuallyPasses(async () => assert.equal(await broker.depth(queue), 1))

      await consume()
      await hasHandled([event])
    })
  })

  describe('the connection', () => {
    it('is opened again when it was closed, and nothing is lost or done twice', async () => {
      const consumer = await consume({ batchSize: 10 })
      const before = await sendMany(30)
      await broker.closeConnections()
      const after = await sendMany(30)
      await hasHandled([...before, ...after])
      await eventually(async () => consumer.isConsuming() && (await broker.depth(queue)) === 0)
      assert.equal(await broker.depth(dead), 0)
    })

    it('is opened again within 15 s when nothing passes any more, both ways or one', async () => {
      const ways = [['up', 'down'], ['up'], ['down']] as const
      const proxies = await Promise.all(ways.map(async () => use(await proxyTo(broker.url))))
      const consumers = await Promise.all(proxies.map(({ url }) => consume({}, url)))
      for (const [index, way] of ways.entries()) proxies[index]?.freeze(way)
      const events = await sendMany(50)
      for (const { isConsuming } of consumers) {
        await eventually(() => !isConsuming(), { timeoutMs: 15_000 })
      }
      await eventually(() => consumers.every(({ isConsuming }) => isConsuming()))
      await hasHandled(events)
    })

    it('says in one line that a queue exists with other arguments, and goes on when that is mended', async () => {
      const { logger, lines } = recordingLogger()
      await broker.channel().deleteQueue(queue)
      await broker.channel().assertQueue(queue, { arguments: { 'x-queue-type': 'quorum' } })
      const { inbox, subscription } = open({ logger })
      use(running((signal) => runConsumer(inbox, subscription, signal)))
      const [line] = await eventually(() => {
        const found = lines.filter(({ err }) => err?.message.includes('PRECONDITION_FAILED'))
        return found.length > 0 && found
      })
      const said =
        /^The queue things exists with x-[a-z-]+ .+, where .+ is needed: see .+docs\/operator\.md/
      assert.match(line?.err?.message ?? '', said)
      assert.ok(!subscription.isConsuming())
      await broker.channel().deleteQueue(queue)
      await eventually(() => subscription.isConsuming(), { timeoutMs: 30_000 })
      await hasHandled(await sendMany(1))
    })

    it('is opened again when the queue was deleted, which is then declared anew', async () => {
      const consumer = await consume()
      await broker.channel().deleteQueue(queue)
      await eventually(() => !consumer.isConsuming())
      await eventually(() => consumer.isConsuming())
      await hasHandled(await sendMany(3))
    })
  })

  describe('shutdown', () => {
    it('finishes the batch in work and gives back the rest, promptly', async () => {
      const opened = Promise.withResolvers<void>()
      const begun: number[] = []
      const gated: Handle = async (trx, events) => {
        begun.push(events.length)
        await opened.promise
        return handle(trx, events)
      }
      await sendMany(300)
      const consumer = await consume({ handle: gated, batchSize: 10 })
      await eventually(() => begun.length === 2)
      const startedAt = performance.now()
      const closed = consumer.close()
      opened.resolve()
      await closed
      const tookMs = performance.now() - startedAt
      const [first = 0, second = 0, ...more] = begun
      assert.deepEqual(more, [])
      assert.equal((await effectIds()).length, first + second)
      const rest = 300 - first - second
      await eventuallyPasses(async () => assert.equal(await broker.depth(queue), rest))
      assert.ok(tookMs < 2_000, `took ${tookMs} ms`)
    })

    it('does not wait for a database that is away', async () => {
      const { logger, said } = recordingLogger()
      const consumer = await consume({ logger })
      await database.goAway()
      await sendMany(5)
      await eventually(() => said.some((line) => line.includes('which are held')))
      const startedAt = performance.now()
      await consumer.close()
      assert.ok(performance.now() - startedAt < 2_000)
      await database.comeBack()
      await eventuallyPasses(async () => assert.equal(await broker.depth(queue), 5))
    })
  })
})
