import assert from 'node:assert/strict'
import { randomUUIDv7 } from 'node:crypto'
import { sql, type Transaction } from 'kysely'
import { connectDatabase } from '#chassis/database/connect.ts'
import { useBroker } from '#testing/broker.ts'
import { useDatabase } from '#testing/database.ts'
import { eventually, eventuallyPasses } from '#testing/eventually.ts'
import { silent } from '#testing/logger.ts'
import { running, useResources } from '#testing/resources.ts'
import { Publisher } from '../broker/publisher.ts'
import { consumeLoop, subscribe, TaskGroup } from '../inbox/consumer.ts'
import { processBatch } from '../inbox/process-batch.ts'
import type { HandlerResult } from '../inbox/types.ts'
import { Loop } from '../loop.ts'
import { notSigned, signerWith, type Verify, verifierWith } from '../signatures/signature.ts'
import { parseSigningKeys } from '../signatures/signing-keys.ts'
import type { MessagingDatabase } from '../tables.ts'
import { republishOnce } from './republish-deferred.ts'
import { batchLockTimeoutMs, RowLocks } from './row-locks.ts'

interface Thing {
  id: string
  type: string
  needs: string
}
type Trx = Transaction<MessagingDatabase>

const queue = 'things'
const dead = 'things.dlq'
const topology = { queues: [{ queue, exchange: 'things', routingKeys: ['thing'] }] }

describe('an event that needs a row', () => {
  const database = useDatabase('orders')
  const broker = useBroker()
  const use = useResources()
  const { signal } = new AbortController()
  /** How many events each call of the handler had. */
  let begun: number[] = []

  before('make a table of rows, and one for effects', async () => {
    await database.rows(sql`CREATE TABLE needed (key text PRIMARY KEY)`)
    await database.rows(sql`CREATE TABLE effects (event_id text)`)
  })

  beforeEach('empty all', async () => {
    begun = []
    await database.rows(sql`TRUNCATE inbox, attempts, deferred_events, needed, effects`)
    await database.rows(sql`INSERT INTO needed VALUES ('one'), ('other')`)
    const publisher = use(
      new Publisher({ name: 'setup', url: broker.url, topology, logger: silent }),
    )
    await publisher.whenReady(AbortSignal.timeout(60_000))
    for (const name of [queue, dead]) await broker.channel().purgeQueue(name)
  })

  const handle = async (trx: Trx, events: Thing[]): Promise<HandlerResult[]> => {
    begun.push(events.length)
    const keys = events.map(({ needs }) => needs)
    await sql`
      SELECT FROM needed WHERE key = ANY (${keys}::text[]) ORDER BY key FOR NO KEY UPDATE`.execute(
      trx,
    )
    const ids = events.map(({ id }) => id)
    await sql`INSERT INTO effects (event_id) SELECT unnest(${ids}::text[])`.execute(trx)
    return events.map(() => ({ kind: 'handled' }))
  }
  const locks = () =>
    new RowLocks<MessagingDatabase, Thing>({
      keyOf: ({ needs }) => needs,
      lockOrSkip: async (trx, keys) => {
        const { rows } = await sql<{ key: string }>`
          WITH ours AS (
            SELECT key FROM needed WHERE key = ANY (${keys}::text[]) FOR NO KEY UPDATE SKIP LOCKED)
          SELECT key FROM needed WHERE key = ANY (${keys}::text[]) AND key NOT IN (SELECT key FROM ours)
        `.execute(trx)
        return rows.map(({ key }) => key)
      },
    })

  function open(changes: { handle?: typeof handle; verify?: Verify } = {}) {
    const at = { name: 'consumer', url: broker.url, topology, logger: silent }
    const lockTimeoutMs = batchLockTimeoutMs
    const db = use(
      connectDatabase<MessagingDatabase>({ name: 'consumer', url: database.url, lockTimeoutMs }),
    )
    const publisher = use(new Publisher(at))
    const decode = (content: Buffer) =>
      ({ kind: 'event', event: JSON.parse(content.toString()) as Thing }) as const
    const inbox = {
      ...{ db, queue, decode, handle, deadLetters: publisher, rowLocks: locks(), logger: silent },
      ...{ batchSize: 100, concurrency: 1, lingerMs: 50, maxAttempts: 1 },
      ...{ lane: new Loop('deferred events').lane(), ...changes },
    }
    return { inbox, publisher, subscribe: () => subscribe({ ...at, queue }, inbox) }
  }
  async function consume(changes: Parameters<typeof open>[0] = {}) {
    const { inbox, subscribe } = open(changes)
    const subscription = subscribe()
    const loop = use(running((until) => consumeLoop(inbox, subscription, until)))
    await eventually(() => subscription.isConsuming())
    return loop
  }

  const send = async (needs: string, options = {}) => {
    const event: Thing = { id: randomUUIDv7(), type: 'Thing', needs }
    const to = { exchange: 'things', routingKey: 'thing' }
    await broker.publish(to, event, { messageId: event.id, type: 'Thing', ...options })
    return event.id
  }
  const sendMany = (count: number, needs: string) =>
    Promise.all(Array.from({ length: count }, () => send(needs)))
  async function hold(key: string) {
    const trx = await database.db.startTransaction().execute()
    await sql`SELECT FROM needed WHERE key = ${key} FOR UPDATE`.execute(trx)
    return () => trx.rollback().execute()
  }
  const effects = async () => {
    const rows = await database.rows(sql<{ event_id: string }>`
      SELECT event_id FROM effects ORDER BY event_id`)
    return rows.map(({ event_id }) => event_id)
  }
  const haveEffect = (...ids: string[]) =>
    eventuallyPasses(async () => assert.deepEqual(await effects(), ids.sort()))
  const deferred = async () => (await database.rows(sql`SELECT FROM deferred_events`)).length
  const nothingIsLeft = () =>
    eventuallyPasses(async () => {
      assert.equal(await deferred(), 0)
      assert.deepEqual([await broker.depth(queue), await broker.depth(dead)], [0, 0])
      assert.deepEqual(await database.rows(sql`SELECT FROM attempts`), [])
    })

  it('which is locked waits in the database, harms no neighbour, and is handled when it is free', async () => {
    const release = await hold('one')
    const [waiting, ...neighbours] = [await send('one'), ...(await sendMany(20, 'other'))]
    await consume()
    await haveEffect(...neighbours)
    await eventually(async () => (await deferred()) === 1)
    await eventually(async () => (await broker.depth(queue)) === 0)
    await release()
    await haveEffect(waiting, ...neighbours)
    await nothingIsLeft()
  })

  for (const padding of ['', 'x'.repeat(20_000)]) {
    it(`which is locked keeps its signature${padding && ', and no header that is too large'}`, async () => {
      const keys = parseSigningKeys(`a:${'A'.repeat(43)}`)
      const verify = verifierWith(keys, { exchange: 'things', onUnsigned: () => notSigned })
      const event = { id: randomUUIDv7(), type: 'Thing', needs: 'one' }
      const headers = signerWith(keys)(Buffer.from(JSON.stringify(event)), 'things')
      const release = await hold('one')
      await consume({ verify })
      const options = { messageId: event.id, headers: { ...headers, padding } }
      await broker.publish({ exchange: 'things', routingKey: 'thing' }, event, options)
      await eventually(async () => (await deferred()) === 1)
      await release()
      await haveEffect(event.id)
      await nothingIsLeft()
    })
  }

  it('that is known as locked is waited for by nobody again, until it was seen free', async () => {
    const release = await hold('one')
    await consume()
    const ids = [await send('one')]
    await eventually(async () => (await deferred()) === 1)
    assert.deepEqual(begun, [1])
    ids.push(...(await sendMany(50, 'one')))
    await eventually(async () => (await deferred()) === 51)
    assert.deepEqual(begun, [1])
    await release()
    await haveEffect(...ids)
    await nothingIsLeft()
  })

  it('that nobody has is not waited for', async () => {
    const release = await hold('one')
    await consume()
    const [waiting, ...others] = [await send('one'), await send('none'), await send('none')]
    await haveEffect(...others)
    await release()
    await haveEffect(waiting, ...others)
  })

  it('comes back with what it had, but for headers by which the broker sends copies', async () => {
    const release = await hold('one')
    const headers = { 'relayed-at': 'just now', bytes: Buffer.from([0, 255]), nul: '\0', CC: ['x'] }
    const consumer = await consume()
    const id = await send('one', { contentType: 'application/json', correlationId: 'c', headers })
    await eventually(async () => (await deferred()) === 1)
    await consumer.close()
    await release()
    const { inbox, publisher } = open()
    assert.equal((await republishOnce({ ...inbox, publisher }, signal)).republished, 1)
    const [message] = await broker.drain(queue)
    const {
      messageId,
      type,
      contentType,
      correlationId,
      headers: found,
    } = message?.properties ?? {}
    assert.deepEqual([messageId, type], [id, 'Thing'])
    assert.deepEqual([contentType, correlationId], ['application/json', 'c'])
    const { 'x-delivery-count': _, ...kept } = found ?? {} // the broker counts this delivery
    assert.deepEqual(kept, {
      ...{ 'relayed-at': 'just now', bytes: Buffer.from([0, 255]), nul: '\0' },
      ...{ 'original-exchange': 'things', 'original-routing-key': 'thing' },
    })
    assert.equal(JSON.parse(String(message?.content)).id, id)
  })

  it('comes back without headers that cannot be sent on, and is held up by them no longer', async () => {
    const event_id = randomUUIDv7()
    const headers = { 'relayed-at': 'just now', odd: { '!': 'odd' } }
    const properties = JSON.stringify({
      messageId: event_id,
      properties: {},
      headers,
      exchange: '',
      routingKey: '',
    })
    await database.rows(sql`
      INSERT INTO deferred_events (event_id, waits_for, properties, content)
      VALUES (${event_id}, 'one', ${properties}, '')`)
    const { inbox, publisher } = open()
    assert.equal((await republishOnce({ ...inbox, publisher }, signal)).republished, 1)
    const [message] = await broker.drain(queue)
    assert.equal(message?.properties.messageId, event_id)
    assert.equal(message?.properties.headers?.['relayed-at'], 'just now')
    assert.equal(await deferred(), 0)
  })

  it('has one effect when its consumer dies after it was put aside, before that is acknowledged', async () => {
    const release = await hold('one')
    const id = await send('one')
    const { inbox, subscribe } = open()
    const subscription = subscribe()
    const batch = await subscription.buffer.take(1, 0, AbortSignal.timeout(60_000))
    const dying = batch.map((delivery) => ({ ...delivery, ack: () => delivery.requeue() }))
    const background = new TaskGroup()
    await processBatch({ ...inbox, ...subscription, background, signal }, dying)
    await subscription.close()
    await consume()
    await eventually(async () => (await deferred()) === 2)
    await release()
    await haveEffect(id)
    await nothingIsLeft()
    assert.deepEqual(await effects(), [id])
  })

  it('has one effect when its consumer dies after it was sent again, before that is written down', async () => {
    const release = await hold('one')
    const consumer = await consume()
    const id = await send('one')
    await eventually(async () => (await deferred()) === 1)
    await consumer.close()
    await release()
    const { inbox, publisher } = open()
    const dying: Publisher['publishAll'] = async (messages, deadlineMs) => {
      const published = await publisher.publishAll(messages, deadlineMs)
      await database.endConnections('consumer')
      return published
    }
    const whenReady = publisher.whenReady.bind(publisher)
    const deferral = { ...inbox, publisher: { publishAll: dying, whenReady } }
    await assert.rejects(republishOnce(deferral, signal))
    assert.deepEqual([await deferred(), await broker.depth(queue)], [1, 1])
    await consume()
    await haveEffect(id)
    await nothingIsLeft()
    assert.deepEqual(await effects(), [id])
  })

  it('stays where it is as long as the broker has not confirmed it', async () => {
    const release = await hold('one')
    const consumer = await consume()
    await send('one')
    await eventually(async () => (await deferred()) === 1)
    await consumer.close()
    await release()
    const { inbox, publisher } = open()
    const { republished, failed } = await republishOnce(
      { ...inbox, queue: 'nowhere', publisher },
      signal,
    )
    assert.deepEqual([republished, failed.length], [0, 1])
    assert.equal(await deferred(), 1)
  })
})
