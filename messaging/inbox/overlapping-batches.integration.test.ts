import assert from 'node:assert/strict'
import { sql } from 'kysely'
import { connectDatabase } from '#chassis/database/connect.ts'
import { useDatabase } from '#testing/database.ts'
import { useResources } from '#testing/resources.ts'
import { handle, newEvent } from '#testing/things.ts'
import type { MessagingDatabase } from '../tables.ts'
import { handleEvents } from './handle-events.ts'
import { readAttempts, recordStarts, revertStarts } from './rows.ts'

/** What cannot be seen from outside of the engine: how many transactions it takes. */
describe('batches that have the same events', () => {
  const database = useDatabase('messaging')
  const use = useResources()

  before('make a table for effects', () => database.rows(sql`CREATE TABLE effects (event_id text)`))
  beforeEach('empty inbox', () => database.rows(sql`TRUNCATE inbox, attempts`))

  /** A database that counts its transactions. */
  function countingDatabase(lockTimeoutMs = 2_000) {
    const options = { name: 'consumer', url: database.url, lockTimeoutMs }
    const db = use(connectDatabase<MessagingDatabase>(options))
    const counted = { transactions: 0, db }
    counted.db = new Proxy(db, {
      get: (target, name) => {
        if (name === 'transaction') counted.transactions++
        const value = Reflect.get(target, name)
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
    return counted
  }

  it('in another order do not deadlock', async () => {
    const events = Array.from({ length: 200 }, () => newEvent())
    const shuffled = () => events.toSorted(() => Math.random() - 0.5)
    const counted = countingDatabase()
    for (let round = 0; round < 5; round++) {
      await database.rows(sql`TRUNCATE inbox`)
      const { db } = counted
      await Promise.all(Array.from({ length: 6 }, () => handleEvents({ db, handle }, shuffled())))
    }
    assert.equal(counted.transactions, 30, 'a batch was rolled back and restarted')
  })

  /**
   * Handles a hundred events while somebody else is handling some of them; how it began and ended.
   */
  async function handleBeside(others: number) {
    const counted = countingDatabase(50)
    const events = Array.from({ length: 100 }, () => newEvent())
    const endings = await database.db.transaction().execute(async (other) => {
      for (const { id } of events.slice(0, others)) {
        await sql`INSERT INTO inbox (event_id) VALUES (${id})`.execute(other)
      }
      return handleEvents({ db: counted.db, handle }, events)
    })
    const kinds = events.map(({ id }) => endings.get(id)?.kind)
    return { ...counted, kinds }
  }

  it('let only those events wait that somebody else is handling just now', async () => {
    const { kinds } = await handleBeside(2)
    assert.deepEqual(kinds, [...Array(2).fill('retry'), ...Array(98).fill('handled')])
  })

  it('are given up after twenty waits, and tried again one by one, when most of them have to wait', async () => {
    const { transactions, kinds } = await handleBeside(80)
    assert.ok(transactions <= 45, `${transactions} transactions`)
    assert.ok(kinds.every((kind) => kind === 'retry' || kind === 'handled'))
    assert.ok(kinds.slice(0, 80).every((kind) => kind === 'retry'))
  })

  it('count a start once when it is begun, however often that is said', async () => {
    const { db } = countingDatabase()
    const { id } = newEvent()
    const before = new Map([[id, { started: 1, finished: 0 }]])
    await recordStarts(db, before)
    await recordStarts(db, before)
    assert.equal((await readAttempts(db, [id])).get(id)?.started, 2)
    await revertStarts(db, before)
    await revertStarts(db, before)
    assert.equal((await readAttempts(db, [id])).get(id)?.started, 1)
  })
})
