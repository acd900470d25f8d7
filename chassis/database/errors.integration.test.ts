import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { sql } from 'kysely'
import { useDatabase } from '#testing/database.ts'
import { eventually } from '#testing/eventually.ts'
import { cleanUpNotifyQueue, fillNotifyQueue, whileListenerIsIdle } from '#testing/notify-queue.ts'
import { proxyTo } from '#testing/proxy.ts'
import { useResources } from '#testing/resources.ts'
import { EnvironmentError, type ErrorCode, isCode } from '../errors.ts'
import { connectDatabase, type Database } from './connect.ts'

const failsWith = (work: Promise<unknown>, code: ErrorCode) =>
  assert.rejects(work, (error) => {
    assert.ok(isCode(error, code), String(error))
    assert.ok((error as Error).cause instanceof Error)
    return true
  })

describe('connectDatabase', () => {
  const database = useDatabase('payments')
  const use = useResources()
  let db: Database<unknown>

  const open = (url = database.url, poolSize = 5) =>
    use(connectDatabase<unknown>({ name: 'tested', url, poolSize }))

  beforeEach('open', () => {
    db = open()
  })

  describe('calls it unavailable', () => {
    it('when the connection is refused', async () => {
      await failsWith(sql`SELECT`.execute(open('postgres://127.0.0.1:9/none')), 'unavailable')
    })

    it('when nobody answers', async () => {
      const sockets: Socket[] = []
      const server = createServer((socket) => sockets.push(socket)).listen(0, '127.0.0.1')
      await once(server, 'listening')
      const { port } = server.address() as { port: number }
      try {
        const silent = open(`postgres://x@127.0.0.1:${port}/none`)
        await failsWith(sql`SELECT`.execute(silent), 'unavailable')
      } finally {
        for (const socket of sockets) socket.destroy()
        server.close()
      }
    })

    it('when there is no such database, or no such user', async () => {
      const elsewhere = database.url.replace(database.name, 'nowhere')
      await failsWith(sql`SELECT`.execute(open(elsewhere)), 'unavailable')
      const stranger = new URL(database.url)
      stranger.username = 'stranger'
      await failsWith(sql`SELECT`.execute(open(stranger.href)), 'unavailable')
    })

    it('when the database takes no connections', async () => {
      await database.refuseConnections()
      await failsWith(sql`SELECT`.execute(db), 'unavailable')
      await database.acceptConnections()
      await eventually(() => sql`SELECT`.execute(db))
    })

    it('when the backend is ended in the middle of a statement', async () => {
      const sleeping = failsWith(sql`SELECT pg_sleep(60)`.execute(db), 'unavailable')
      await eventually(async () => (await database.endConnections('tested')) > 0)
      await sleeping
    })

    it('when the backend is ended between two statements of a transaction', async () => {
      const transaction = db.transaction().execute(async (trx) => {
        await sql`SELECT`.execute(trx)
        await database.endConnections('tested')
        await eventually(async () => (await database.endConnections('tested')) === 0)
        await sql`SELECT`.execute(trx)
      })
      await failsWith(transaction, 'unavailable')
    })

    it('when the commit cannot be seen to have happened', async () => {
      const transaction = db.transaction().execute(async (trx) => {
        await sql`SELECT`.execute(trx)
        await database.endConnections('tested')
      })
      await failsWith(transaction, 'unavailable')
    })

    it('when the queue of notifications is full, since somebody who listens has gone to sleep', async () => {
      try {
        await whileListenerIsIdle(database.url, () =>
          failsWith(fillNotifyQueue(db, 'news'), 'unavailable'),
        )
      } finally {
        await cleanUpNotifyQueue(db) // or it stays full for the next test
      }
    })

    it('when nothing passes any more: after one time-out, also in a transaction', async () => {
      const proxy = use(await proxyTo(database.url))
      const behind = open(proxy.url)
      const beganAtMs = performance.now()
      const transaction = behind.transaction().execute(async (trx) => {
        await sql`SELECT`.execute(trx)
        proxy.freeze()
        await sql`SELECT`.execute(trx)
      })
      await failsWith(transaction, 'unavailable')
      assert.ok(performance.now() - beganAtMs < 12_000, 'its ROLLBACK waited, too')
    })

    it('when nothing passes any more on all connections: once, and not once for each', async () => {
      const proxy = use(await proxyTo(database.url))
      const behind = open(proxy.url)
      const atOnce = (count: number) =>
        Promise.all(Array.from({ length: count }, () => sql`SELECT pg_sleep(0.2)`.execute(behind)))
      await atOnce(4)
      const silent = proxy.connections()
      assert.equal(silent.length, 4)
      proxy.freeze() // those that are opened later live
      await failsWith(sql`SELECT`.execute(behind), 'unavailable')
      const lostAtMs = performance.now()
      await atOnce(4)
      assert.ok(performance.now() - lostAtMs < 4_000, 'another one was waited for')
      await Promise.all(silent.map((connection) => connection.left()))
    })

    it('when people have something to do first: a table, a type, a schema, a right', async () => {
      await failsWith(sql`SELECT FROM not_yet`.execute(db), 'unavailable')
      await failsWith(sql`SELECT 1::not_yet`.execute(db), 'unavailable')
      await failsWith(sql`CREATE TABLE not_yet.x ()`.execute(db), 'unavailable')
      await failsWith(
        sql`DO $$ BEGIN RAISE insufficient_privilege; END $$`.execute(db),
        'unavailable',
      )
    })

    it('when the server is read-only, as a standby is', async () => {
      const onStandby = db
        .transaction()
        .setAccessMode('read only')
        .execute((trx) => sql`INSERT INTO accounts (user_id) VALUES ('alice')`.execute(trx))
      await failsWith(onStandby, 'unavailable')
    })
  })

  describe('calls it a conflict', () => {
    const inSert = (user: string) => sql`INSERT INTO accounts (user_id) VALUES (${user})`

    it('when a unique key is taken', async () => {
      await inSert('taken').execute(db)
      await failsWith(inSert('taken').execute(db), 'conflict')
    })

    it('when two transactions wait for each other', async () => {
      await inSert('one').execute(db)
      await inSert('two').execute(db)
      const bump = (user: string) =>
        sql`UPDATE accounts SET version = version + 1 WHERE user_id = ${user}`
      const both = { count: 0, arrived: Promise.withResolvers<void>() }
      const inOrder = (first: string, second: string) =>
        db.transaction().execute(async (trx) => {
          await bump(first).execute(trx)
          if (++both.count === 2) both.arrived.resolve()
          await both.arrived.promise
          await bump(second).execute(trx)
        })
      const ends = await Promise.allSettled([inOrder('one', 'two'), inOrder('two', 'one')])
      const failed = ends.filter((end) => end.status === 'rejected')
      assert.equal(failed.length, 1)
      assert.ok(isCode(failed[0]?.reason, 'conflict'))
    })

    it('when a serializable transaction cannot be one', async () => {
      await failsWith(sql`DO $$ BEGIN RAISE serialization_failure; END $$`.execute(db), 'conflict')
    })
  })

  it('tells a lock that is not given in time from a statement that takes too long', async () => {
    await failsWith(sql`DO $$ BEGIN RAISE lock_not_available; END $$`.execute(db), 'locked')
    await failsWith(sql`DO $$ BEGIN RAISE query_canceled; END $$`.execute(db), 'slow')
  })

  it('passes on as it is what no repetition repairs: a fault of the program, or of its data', async () => {
    for (const statement of [
      sql`SELECT not_yet FROM accounts`,
      sql`SELECT not_yet()`,
      sql`INSERT INTO accounts (user_id, balance) VALUES ('x', true)`,
      sql`SELECT ${'\0'}::text`,
      sql`SELECT 1 / 0`,
      sql`SELEKT`,
      sql`INSERT INTO accounts (user_id, balance) VALUES ('minus', -1)`,
      sql`SELECT ${'x'}::uuid`,
    ]) {
      await assert.rejects(statement.execute(db), (error) => {
        assert.ok(error instanceof Error && !(error instanceof EnvironmentError), String(error))
        return true
      })
    }
  })

  it('never uses a broken connection again, nor dies of one that breaks while idle', async () => {
    const small = open(database.url, 2)
    await Promise.all([sql`SELECT`.execute(small), sql`SELECT`.execute(small)])
    await database.endConnections('tested')
    await eventually(() => sql`SELECT`.execute(small))
    for (let query = 0; query < 5; query++) await sql`SELECT`.execute(small)
  })

  it('opens no more connections than it may', async () => {
    const small = open(database.url, 2)
    const counts = await Promise.all(
      Array.from({ length: 20 }, async () => {
        const found = await sql<{ count: number }>`
          SELECT count(*)::int FROM pg_stat_activity
          WHERE datname = current_database() AND application_name = 'tested'
        `.execute(small)
        return found.rows[0]?.count ?? 0
      }),
    )
    assert.ok(Math.max(...counts) <= 2)
  })

  it('reads money as text and takes no longer than it may for one statement', async () => {
    const { rows } = await sql`
      SELECT 9999999999999999.99::numeric(18,2) AS money,
             current_setting('statement_timeout') AS statement,
             current_setting('lock_timeout') AS lock,
             current_setting('idle_in_transaction_session_timeout') AS idle
    `.execute(db)
    const limits = { statement: '5s', lock: '2s', idle: '10s' }
    assert.deepEqual(rows, [{ money: '9999999999999999.99', ...limits }])
  })
})
