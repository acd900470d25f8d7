import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type RawBuilder, sql } from 'kysely'
import { removeState } from '#local/stack/remove-state.ts'
import { useDatabase } from '#testing/database.ts'
import { eventually } from '#testing/eventually.ts'
import { freePorts } from '#testing/free-ports.ts'
import { recordingLogger } from '#testing/logger.ts'
import { startPostgres } from '#testing/private-servers.ts'
import { useResources } from '#testing/resources.ts'
import { connectDatabase } from './connect.ts'
import { readReplication, tellReplication, weaknessOf } from './replication.ts'
import { SessionClient } from './session.ts'

const none = { standbys: 0, missing: 0, isSynchronous: false }
const slot = `absent_${process.pid}`

describe('a cluster of PostgreSQL', () => {
  const database = useDatabase('orders')
  const use = useResources()

  /** Of this test's database alone: other sessions would wait for the standby. */
  const setting = (value: RawBuilder<unknown>) =>
    database.rows(sql`ALTER DATABASE ${sql.id(database.name)} SET ${value}`)
  const read = async (url = database.url) =>
    readReplication(use(connectDatabase<unknown>({ name: 'tested', url })))
  const said = async (url = database.url) => {
    const { logger, said } = recordingLogger()
    await tellReplication(use(connectDatabase<unknown>({ name: 'tested', url })), logger)
    return said
  }

  /** What a standby does first: from then on the server has it among its standbys. */
  async function standby() {
    const connectionString = `${database.url}?replication=database`
    const client = new SessionClient({ connectionString })
    await client.connect()
    use({ close: () => client.end() })
  }

  it('is none where there was never a standby, and nothing is said', async () => {
    assert.deepEqual(await read(), none)
    assert.deepEqual(await said(), [])
    assert.deepEqual(await said('postgres://127.0.0.1:9/none'), [])
  })

  it('is asynchronous with a standby that no commit waits for', async () => {
    await standby()
    assert.deepEqual(await read(), { ...none, standbys: 1 })
    assert.match((await said())[0] ?? '', /no standby is synchronous: a fail-over can lose what/)
  })

  it('has a standby that is missing', async () => {
    await database.rows(sql`SELECT pg_create_physical_replication_slot(${slot})`)
    try {
      assert.deepEqual(await read(), { ...none, missing: 1 })
      assert.match((await said())[0] ?? '', /what is confirmed is on one server only/)
    } finally {
      await database.rows(sql`SELECT pg_drop_replication_slot(${slot})`)
    }
  })

  it('is asynchronous for sessions that wait for no standby', async () => {
    await setting(sql`synchronous_commit = 'local'`)
    await standby()
    assert.equal((await read())?.isSynchronous, false)
    await setting(sql`synchronous_commit = 'on'`)
  })

  it('keeps what it confirms only with a synchronous standby that is connected', () => {
    assert.equal(weaknessOf({ ...none, standbys: 1, isSynchronous: true }), undefined)
    assert.match(weaknessOf({ ...none, isSynchronous: true }) ?? '', /commits wait for a standby/)
  })
})

describe('a commit that no standby has', function () {
  this.timeout(60_000)
  const use = useResources()
  let dir: string
  let server: Awaited<ReturnType<typeof startPostgres>>

  before(async () => {
    dir = mkdtempSync(join(tmpdir(), 'synchronous-'))
    chmodSync(dir, 0o711)
    const [port = 0] = await freePorts(1)
    server = await startPostgres({ dir, port, databases: ['synchronous'] })
  })
  after(async () => {
    await server?.stop()
    await removeState(dir)
  })

  it('is not taken for done when somebody ends the wait for it', async () => {
    const db = use(connectDatabase<unknown>({ name: 'tested', url: server.url('synchronous') }))
    await sql`CREATE TABLE things (id int)`.execute(db)
    await sql`ALTER SYSTEM SET synchronous_standby_names = 'nobody'`.execute(db)
    await sql`SELECT pg_reload_conf()`.execute(db)
    await eventually(async () => (await readReplication(db))?.isSynchronous)
    const cancelled = sql`INSERT INTO things VALUES (1)`.execute(db)
    const refused = assert.rejects(cancelled, { code: 'unavailable' })
    await eventually(async () => {
      const { rows } = await sql`
        SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'`.execute(
        db,
      )
      return rows.length
    })
    await refused
    const { rows } = await sql`SELECT id FROM things`.execute(db)
    assert.deepEqual(rows, [{ id: 1 }])
  })
})
