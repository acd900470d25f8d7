import assert from 'node:assert/strict'
import { type RawBuilder, sql } from 'kysely'
import { eventually } from '#testing/eventually.ts'
import { useInbox } from '#testing/inbox.ts'
import { recordingLogger } from '#testing/logger.ts'
import { type Handle, handled, idsOf } from '#testing/things.ts'

/** Its handling of each event is this statement. */
const doing =
  (effect: RawBuilder<unknown>): Handle =>
  async (trx, events) => {
    await effect.execute(trx)
    return events.map(() => handled)
  }

describe('a consumer whose database refuses a statement', () => {
  const { database, consume, sendMany, inboxIds, ...those } = useInbox()
  const { attempts, deadLetters, nextDeadLetters } = those

  it('since a table is missing, holds messages: not ready, said, no attempt, no dead letter', async () => {
    const { logger, said, lines } = recordingLogger()
    const { health } = await consume({ handle: doing(sql`INSERT INTO later VALUES (1)`), logger })
    const held = () => health.reason('held messages')
    assert.equal(await held(), undefined)
    const events = await sendMany(1)
    await eventually(held)
    assert.match((await held()) ?? '', /which are held: 42P01 relation "later" does not exist/)
    const [line] = lines.filter(({ msg }) => msg.includes('which are held'))
    assert.match(JSON.stringify(line), /42P01/)
    assert.deepEqual(await attempts(), [])
    await database.rows(sql`CREATE TABLE later (n int)`)
    await eventually(async () => (await inboxIds()).join() === idsOf(events).join())
    await eventually(async () => (await held()) === undefined)
    assert.match(said.at(-1) ?? '', /^over after \d+ s: .* which are held$/)
    assert.equal(await deadLetters(), 0)
  })

  for (const [statement, code] of [
    [sql`SELECT no_such_column FROM effects`, '42703'],
    [sql`SELECT no_such_function()`, '42883'],
    [sql`SELECT ${'\0'}::text`, '22021'],
  ] as const) {
    it(`since the program is at fault (${code}), counts attempts, and makes a dead letter`, async () => {
      const { health } = await consume({ handle: doing(statement) })
      await sendMany(1)
      const [letter] = await nextDeadLetters(1)
      assert.equal(letter?.properties.headers?.['dead-letter-reason'], 'attempts-exhausted')
      assert.equal(letter?.properties.headers?.attempts, 3)
      assert.equal(await health.reason('held messages'), undefined)
    })
  }

  it('that counts, holds what it cannot count: its own tables are at fault, and no message', async () => {
    const { health } = await consume({ handle: doing(sql`SELECT 1 / 0`) })
    const held = () => health.reason('held messages')
    await database.rows(sql`ALTER TABLE attempts RENAME COLUMN started TO begun`)
    await sendMany(1)
    await eventually(held)
    assert.match((await held()) ?? '', /42703/)
    await database.rows(sql`ALTER TABLE attempts RENAME COLUMN begun TO started`)
    await nextDeadLetters(1)
    assert.equal(await held(), undefined)
  })
})
