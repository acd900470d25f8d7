import assert from 'node:assert/strict'
import { sql } from 'kysely'
import { connectDatabase } from '#chassis/database/connect.ts'
import { useDatabase } from '#testing/database.ts'
import { eventually } from '#testing/eventually.ts'
import { recordingLogger, silent } from '#testing/logger.ts'
import { useResources } from '#testing/resources.ts'
import { RequestCounter } from './request-counter.ts'
import { forgetUsers } from './rows.ts'
import type { UserPolicy } from './user-policy.ts'

/** Five requests, and one more a minute: in the time of a test there is no more. */
const policy: UserPolicy = { burst: 5, intervalMs: 60_000, burstMs: 300_000 }

describe('RequestCounter', function () {
  this.timeout(60_000)
  const database = useDatabase('payments')
  const use = useResources()
  /** One replica. */
  const counter = (logger = silent, timeoutMs = 30_000) =>
    new RequestCounter(use(connectDatabase({ name: 'api', url: database.url })), policy, {
      logger,
      timeoutMs,
    })
  const countAll = (count: number, one: RequestCounter, userId: string) =>
    Promise.all(Array.from({ length: count }, () => one.count(userId)))
  const lefts = (counts: Awaited<ReturnType<RequestCounter['count']>>[]) =>
    counts.map((count) => (count.kind === 'passes' ? count.left : count.kind)).sort()
  const users = () =>
    database.rows(sql<{ user_id: string }>`SELECT user_id FROM user_requests ORDER BY user_id`)
  const spentUntil = (userId: string, hours: number) =>
    database.rows(sql`
      INSERT INTO user_requests VALUES (${userId}, now() + ${hours}::int * interval '1 hour')
      ON CONFLICT (user_id) DO UPDATE SET spent_until = excluded.spent_until`)
  beforeEach('forget', () => database.rows(sql`TRUNCATE user_requests`).then(() => {}))

  it('lets a user make so many requests in all replicas together, at once or not, and no more', async () => {
    const replicas = [counter(), counter()]
    const counts = await Promise.all(replicas.map((replica) => countAll(4, replica, 'alice')))
    assert.deepEqual(lefts(counts.flat()), [0, 1, 2, 3, 4, 'refused', 'refused', 'refused'])
    assert.deepEqual(await counter().count('bob'), { kind: 'passes', left: 4 })
  })

  it('lets a user pass again who has waited', async () => {
    const one = counter()
    await countAll(5, one, 'alice')
    await database.rows(sql`
      UPDATE user_requests SET spent_until = spent_until - interval '2 minutes'`)
    assert.deepEqual(lefts(await countAll(2, one, 'alice')), [0, 1])
  })

  it('asks nothing about a user whom it has just refused', async () => {
    const one = counter()
    await countAll(6, one, 'alice')
    await database.rows(sql`TRUNCATE user_requests`)
    assert.deepEqual(await one.count('alice'), { kind: 'refused', left: 0 })
    assert.deepEqual(await users(), [])
  })

  it('lets everybody pass while the database does not count, and warns once', async () => {
    const { logger, said } = recordingLogger()
    const one = counter(logger)
    await one.count('alice')
    await database.refuseConnections()
    const counts = await countAll(10, one, 'alice').finally(() => database.acceptConnections())
    assert.deepEqual([...new Set(lefts(counts))], ['unknown'])
    assert.deepEqual(said, ['requests of users cannot be counted, so nobody is limited'])
  })

  it('takes one connection for a user who floods, and none for what it refuses', async () => {
    const db = use(connectDatabase({ name: 'api', url: database.url }))
    const one = new RequestCounter(db, policy, { logger: silent, timeoutMs: 30_000 })
    await one.count('bob')
    const counts = countAll(1_000, one, 'alice')
    assert.deepEqual(db.poolUse().waiting, 0)
    assert.equal(lefts(await counts).filter((left) => left === 'refused').length, 995)
    assert.equal(db.poolUse().idle, 1)
  })

  it('waits for nobody who holds the row of a user', async () => {
    const one = counter(silent, 200)
    await eventually(async () => (await one.count('alice')).kind === 'passes')
    await database.db.transaction().execute(async (trx) => {
      await sql`SELECT FROM user_requests FOR UPDATE`.execute(trx)
      assert.deepEqual(await one.count('alice'), { kind: 'unknown' })
    })
  })

  it('shuts nobody out when the clock of the database was set back', async () => {
    await spentUntil('alice', 24)
    assert.deepEqual(lefts(await countAll(2, counter(), 'alice')), [0, 'refused'])
  })

  it('forgets who has not called for an hour, and nobody else', async () => {
    await spentUntil('long-ago', -2)
    await counter().count('alice')
    await forgetUsers(database.db)
    assert.deepEqual(await users(), [{ user_id: 'alice' }])
  })
})
