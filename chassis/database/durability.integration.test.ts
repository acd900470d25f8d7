import assert from 'node:assert/strict'
import { sql } from 'kysely'
import { useDatabase } from '#testing/database.ts'
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

  it('is content with a server that keeps what it confirms', () => requireDurability(open(), ever))

  it('names the setting that is off, in one line, wherever it was set', async () => {
    await setting('off')
    await assert.rejects(requireDurability(open(), ever), {
      message:
        'Cannot start:\n  PostgreSQL runs with synchronous_commit = off: a crash can undo what was confirmed',
    })
    await setting('on')
  })

  it('waits for a server that is away, and looks then', async () => {
    await setting('off')
    await database.goAway()
    const checking = requireDurability(open(), ever)
    const early = await Promise.race([checking.catch(() => 'refused'), database.comeBack()])
    assert.notEqual(early, 'refused')
    await assert.rejects(checking, /synchronous_commit = off/)
  })

  it('gives up when told to stop', async () => {
    const nowhere = connectDatabase<unknown>({ name: 'tested', url: 'postgres://127.0.0.1:9/none' })
    await requireDurability(use(nowhere), AbortSignal.timeout(50))
  })
})
