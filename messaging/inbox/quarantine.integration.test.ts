import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUIDv7 } from 'node:crypto'
import { once } from 'node:events'
import { sql } from 'kysely'
import { useBroker } from '#testing/broker.ts'
import { useDatabase } from '#testing/database.ts'
import { eventually } from '#testing/eventually.ts'
import { silent } from '#testing/logger.ts'
import { Publisher } from '../broker/publisher.ts'

/** Several processes are started one after the other. */
const patience = { timeoutMs: 90_000 }

describe('a message that crashes its consumer', function () {
  this.timeout(240_000)
  const database = useDatabase('orders')
  const broker = useBroker()
  let queue = ''

  before('make a table for effects', () =>
    database.rows(sql`CREATE TABLE effects (event_id text PRIMARY KEY)`),
  )

  beforeEach(
    'make a queue of its own, since a consumer that was killed may give back what it did',
    async () => {
      queue = `crashing-${randomUUIDv7()}`
      const topology = { queues: [{ queue, exchange: queue, routingKeys: ['thing'] }] }
      const publisher = new Publisher({ name: 'setup', url: broker.url, topology, logger: silent })
      await publisher.whenReady(AbortSignal.timeout(60_000))
      await publisher.close()
    },
  )

  const spawnConsumer = () => {
    const command = ['tests/support/crashing-consumer.ts', database.url, broker.url, queue]
    return spawn(process.execPath, command, { stdio: 'ignore' })
  }
  /** A consumer that is started again whenever it dies. */
  function keepAlive(onDeath: () => Promise<void>) {
    let child: ChildProcess
    let isOver = false
    const live = async () => {
      while (!isOver) {
        child = spawnConsumer()
        await once(child, 'exit')
        if (!isOver) await onDeath()
      }
    }
    const done = live()
    return async () => {
      isOver = true
      child.kill('SIGKILL')
      await done
      await eventually(async () => (await broker.connections()).length === 0, patience)
    }
  }
  const send = (id: string, note?: string) =>
    broker.publish({ exchange: queue, routingKey: 'thing' }, { id, type: 'Thing', note })
  const effects = async () =>
    (await database.rows(sql<{ event_id: string }>`SELECT event_id FROM effects`)).map(
      ({ event_id }) => event_id,
    )
  const attempts = () => database.rows(sql`SELECT FROM attempts`)

  it('is a dead letter after three starts without an end; its neighbours are handled before the third, each once', async () => {
    const killer = randomUUIDv7()
    const neighbours = Array.from({ length: 60 }, () => randomUUIDv7())
    await Promise.all(neighbours.slice(0, 30).map((id) => send(id)))
    await send(killer, 'kill')
    await Promise.all(neighbours.slice(30).map((id) => send(id)))

    const doneAtDeath: number[] = []
    const stop = keepAlive(async () => void doneAtDeath.push((await effects()).length))
    try {
      await eventually(async () => (await broker.depth(`${queue}.dlq`)) === 1, patience)
      await eventually(async () => (await effects()).length === 60, patience)
      await eventually(async () => (await attempts()).length === 0, patience)
    } finally {
      await stop()
    }
    assert.deepEqual((await effects()).sort(), neighbours.sort())
    assert.equal(doneAtDeath.length, 4) // the first in its first batch, which counts no start
    assert.equal(doneAtDeath[3], 60, `handled at each death: ${doneAtDeath}`)

    const [letter] = await broker.drain(`${queue}.dlq`)
    assert.ok(letter)
    const headers = letter.properties.headers
    assert.equal(JSON.parse(String(letter.content)).id, killer)
    assert.equal(headers?.['dead-letter-reason'], 'consumer-crashed')
    assert.equal(headers?.attempts, 3)
  })

  it('is not what a bystander is taken for, however often its consumer dies', async () => {
    const bystanders = Array.from({ length: 300 }, () => randomUUIDv7())
    await database.rows(sql`ALTER TABLE effects RENAME TO hidden`) // as an outage: they are held
    await Promise.all(bystanders.map((id) => send(id)))
    for (let death = 0; death < 5; death++) {
      const child = spawnConsumer()
      await eventually(async () => (await broker.depth(queue)) === 0, patience)
      child.kill('SIGKILL')
      await eventually(async () => (await broker.depth(queue)) === 300, patience)
    }
    await database.rows(sql`ALTER TABLE hidden RENAME TO effects`)
    await database.rows(sql`TRUNCATE effects`)
    const stop = keepAlive(async () => {})
    try {
      await eventually(async () => (await effects()).length === 300, patience)
    } finally {
      await stop()
    }
    assert.equal(await broker.depth(`${queue}.dlq`), 0)
  })
})
