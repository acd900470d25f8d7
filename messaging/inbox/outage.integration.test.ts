import assert from 'node:assert/strict'
import { randomUUIDv7 } from 'node:crypto'
import { type RawBuilder, sql } from 'kysely'
import { connectDatabase } from '#chassis/database/connect.ts'
import { useBroker } from '#testing/broker.ts'
import { useDatabase } from '#testing/database.ts'
import { eventually } from '#testing/eventually.ts'
import { recordingLogger, silent } from '#testing/logger.ts'
import { running, useResources } from '#testing/resources.ts'
import { Publisher } from '../broker/publisher.ts'
import type { MessagingDatabase } from '../tables.ts'
import { runConsumer, subscribe } from './consumer.ts'

const queue = 'things'
const topology = { queues: [{ queue, exchange: 'things', routingKeys: ['thing'] }] }

describe('a consumer whose database cannot handle its messages', () => {
  const database = useDatabase('payments')
  const broker = useBroker()
  const use = useResources()

  /** Its handling of each event is this statement. */
  async function consume(effect: RawBuilder<unknown>, logger = silent) {
    const at = { name: 'consumer', url: broker.url, topology, logger }
    const inbox = {
      db: use(connectDatabase<MessagingDatabase>({ name: 'consumer', url: database.url })),
      ...{
        queue,
        deadLetters: use(new Publisher(at)),
        maxAttempts: 3,
        timing: { retryBaseMs: 10 },
        logger,
      },
      ...{ batchSize: 100, concurrency: 2, lingerMs: 2 },
      decode: (content: Buffer) => ({
        kind: 'event' as const,
        event: JSON.parse(content.toString()) as { id: string; type: string },
      }),
      handle: async (trx: Parameters<typeof effect.execute>[0], events: unknown[]) => {
        await effect.execute(trx)
        return events.map(() => ({ kind: 'handled' as const }))
      },
    }
    const subscription = subscribe({ ...at, queue }, inbox)
    use(running((signal) => runConsumer(inbox, subscription, signal)))
    await eventually(() => subscription.isConsuming())
    await broker.channel().purgeQueue(`${queue}.dlq`)
    return { held: subscription.outages.database, close: () => subscription.close() }
  }
  async function send(): Promise<string> {
    const id = randomUUIDv7()
    await broker.publish({ exchange: 'things', routingKey: 'thing' }, { id, type: 'Thing' })
    return id
  }
  const isHandled = async (id: string) =>
    (await database.rows(sql`SELECT FROM inbox WHERE event_id = ${id}`)).length === 1
  const deadLetters = () => broker.depth(`${queue}.dlq`)

  it('holds them while a table is missing: not ready, said, no attempt, no dead letter', async () => {
    const { logger, said, lines } = recordingLogger()
    const { held } = await consume(sql`INSERT INTO later VALUES (1)`, logger)
    held.assertOver()
    const id = await send()
    await eventually(() => !held.isOver)
    assert.throws(() => held.assertOver(), /which are held: 42P01 relation "later" does not exist/)
    const [said_] = lines.filter(({ msg }) => msg.includes('which are held'))
    assert.match(JSON.stringify(said_), /42P01/)
    assert.deepEqual(await database.rows(sql`SELECT FROM attempts`), [])
    await database.rows(sql`CREATE TABLE later (n int)`)
    await eventually(() => isHandled(id))
    await eventually(() => held.isOver)
    assert.match(said.at(-1) ?? '', /^over after \d+ s: .* which are held$/)
    assert.equal(await deadLetters(), 0)
  })

  it('counts attempts at what a fault of the program stops, and parks it', async () => {
    const faults = [
      [sql`SELECT no_such_column FROM accounts`, '42703'],
      [sql`SELECT no_such_function()`, '42883'],
      [sql`SELECT ${'\0'}::text`, '22021'],
    ] as const
    for (const [statement, code] of faults) {
      const { held, close } = await consume(statement)
      await send()
      await eventually(async () => (await deadLetters()) === 1)
      const [letter] = await broker.drain(`${queue}.dlq`)
      assert.equal(letter?.properties.headers?.['dead-letter-reason'], 'attempts-exhausted', code)
      assert.equal(letter?.properties.headers?.attempts, 3)
      held.assertOver()
      await close()
    }
  })

  it('holds what it cannot count: its own tables are at fault, and no message', async () => {
    const { held } = await consume(sql`SELECT 1 / 0`)
    await database.rows(sql`ALTER TABLE attempts RENAME COLUMN started TO begun`)
    await send()
    await eventually(() => !held.isOver)
    assert.throws(() => held.assertOver(), /42703/)
    await database.rows(sql`ALTER TABLE attempts RENAME COLUMN begun TO started`)
    await eventually(async () => (await deadLetters()) === 1)
    held.assertOver()
  })
})
