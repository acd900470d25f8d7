import assert from 'node:assert/strict'
import { sql } from 'kysely'
import { useDatabase } from '#testing/database.ts'
import { eventually } from '#testing/eventually.ts'
import { recordingLogger, silent } from '#testing/logger.ts'
import { useResources } from '#testing/resources.ts'
import { connectDatabase } from './connect.ts'
import { requireDurability } from './durability.ts'

describe('requireDurability', () => {
  const database = useDatabase('orders')
  const use = useResources()
  const open = () => use(connectDatabase<unknown>({ name: 'tested', url: database.url }))
  const ever = new AbortController().signal
  const setting = (value: 'on' | 'off') =>
    database.rows(
      sql`ALTER DATABASE ${sql.id(database.name)} SET synchronous_commit = ${sql.lit(value)}`,
    )

  it('is content with a server that keeps what it confirms', () =>
    requireDurability(open(), ever, silent))

  it('names the setting that is off, in one line, wherever it was set', async () => {
    await setting('off')
    await assert.rejects(requireDurability(open(), ever, silent), {
      message:
        'Cannot start:\n  PostgreSQL runs with synchronous_commit = off: a crash can undo what was confirmed',
    })
    await setting('on')
  })

  it('waits for a server that is away, and looks then', async () => {
    await setting('off')
    await database.refuseConnections()
    const checking = requireDurability(open(), ever, silent)
    const early = await Promise.race([
      checking.catch(() => 'refused'),
      database.acceptConnections(),
    ])
    assert.notEqual(early, 'refused')
    await assert.rejects(checking, /synchronous_commit = off/)
  })

  it('says that it waits, for how long and why, again and again, and when it is over', async () => {
    await setting('on')
    const name = `stranger_${process.pid}`
    const password = async (text: string) =>
      database.rows(sql`ALTER ROLE ${sql.id(name)} PASSWORD ${sql.lit(text)}`)
    await database.rows(sql`CREATE ROLE ${sql.id(name)} LOGIN`)
    try {
      await password('another')
      const url = Object.assign(new URL(database.url), { username: name, password: 'secret' })
      const db = use(connectDatabase<unknown>({ name: 'tested', url: url.href }))
      const { logger, said, lines } = recordingLogger()
      const waiting = requireDurability(db, ever, logger, { everyMs: 10 })
      await eventually(() => said.length >= 3)
      assert.equal(said[0], 'the database cannot be reached, will retry')
      assert.match(said[2] ?? '', /^the database cannot be reached, for \d+ s so far$/)
      assert.match(JSON.stringify(lines[2]), /28P01 password authentication failed/)
      assert.doesNotMatch(JSON.stringify(lines), /secret/)
      await password('secret')
      await waiting
      assert.match(said.at(-1) ?? '', /^over after/)
    } finally {
      await database.rows(sql`DROP ROLE ${sql.id(name)}`)
    }
  })

  it('gives up when told to stop', async () => {
    const nowhere = connectDatabase<unknown>({ name: 'tested', url: 'postgres://127.0.0.1:9/none' })
    await requireDurability(use(nowhere), AbortSignal.timeout(50), silent)
  })
})
