import assert from 'node:assert/strict'
import { randomUUIDv7 } from 'node:crypto'
import { sql } from 'kysely'
import { connectDatabase } from '#chassis/database/connect.ts'
import { isCode } from '#chassis/errors.ts'
import { useDatabase } from '#testing/database.ts'
import { proxyTo } from '#testing/proxy.ts'
import { useResources } from '#testing/resources.ts'
import type { MessagingDatabase } from '../tables.ts'
import { readAttempts, recordStarts } from './rows.ts'

describe('the start of an attempt', () => {
  const database = useDatabase('payments')
  const use = useResources()

  const connected = async () => {
    const proxy = use(await proxyTo(database.url))
    const options = { name: 'consumer', url: proxy.url, statementTimeoutMs: 100 }
    const db = use(connectDatabase<MessagingDatabase>(options))
    await sql`SELECT FROM attempts`.execute(db)
    return { proxy, db }
  }
  const startsOf = async (db: Parameters<typeof readAttempts>[0], id: string) =>
    (await readAttempts(db, [id])).get(id)?.started

  const triedOnce = (id: string) => new Map([[id, { started: 1, finished: 0 }]])

  it('is counted once, however often it is said', async () => {
    const { db } = await connected()
    const id = randomUUIDv7()
    for (let said = 0; said < 2; said++) await recordStarts(db, triedOnce(id))
    assert.equal(await startsOf(db, id), 2)
  })

  it('is not counted on a connection whose answers no longer arrive', async () => {
    const { proxy, db } = await connected()
    const id = randomUUIDv7()
    proxy.freeze(['down'])
    await assert.rejects(recordStarts(db, triedOnce(id)), (error) => isCode(error, 'unavailable'))
    assert.equal(await startsOf(db, id), undefined)
  })
})
