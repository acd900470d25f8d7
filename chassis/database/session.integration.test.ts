import assert from 'node:assert/strict'
import { sql } from 'kysely'
import { useDatabase } from '#testing/database.ts'
import { alterDatabase, hostileSettings } from '#testing/hostile-settings.ts'
import { useResources } from '#testing/resources.ts'
import { connectDatabase, connectionOptions, type Database } from './connect.ts'
import { SessionClient, sessionSettings } from './session.ts'

const names = Object.keys(sessionSettings)
const settingsOf = async (db: Database<unknown>) => {
  const { rows } = await sql<{ name: string; setting: string }>`
    SELECT name, setting FROM pg_settings WHERE name = ANY (${names}::text[])
  `.execute(db)
  return Object.fromEntries(rows.map(({ name, setting }) => [name, setting]))
}
const stated = Object.fromEntries(
  Object.entries(sessionSettings).map(([name, { value }]) => [name, value]),
)

/**
 * Settings of kinds that can change what a statement means, and why a session leaves them alone.
 */
const leftAlone = new Set([
  ...['default_transaction_read_only'], // set on purpose, to stop all writing: see errors.ts
  ...['transaction_deferrable', 'transaction_isolation', 'transaction_read_only'], // of one transaction
  ...['default_table_access_method', 'default_tablespace', 'default_toast_compression'], // where it is stored
  ...['temp_tablespaces', 'gin_fuzzy_search_limit', 'gin_pending_list_limit'], // neither is used
  ...['default_text_search_config', 'lc_monetary', 'lc_numeric', 'lc_time'], // no such formats are used
  ...['xmlbinary', 'xmloption', 'icu_validation_level', 'check_function_bodies'], // nor these
  ...['row_security', 'restrict_nonsystem_relation_kind', 'createrole_self_grant'], // no policies, views, roles
  ...['client_min_messages', 'escape_string_warning', 'backslash_quote'], // no such strings are written
  ...['local_preload_libraries', 'quote_all_identifiers', 'synchronize_seqscans'], // no result differs
])

describe('a session', () => {
  const database = useDatabase('payments')
  const use = useResources()
  const open = (url = database.url) => use(connectDatabase<unknown>({ name: 'tested', url }))
  const withOptions = (options: string) =>
    open(`${database.url}?options=${encodeURIComponent(options)}`)

  before('make every setting hostile', async () => {
    for (const change of alterDatabase(database.name, hostileSettings)) await database.rows(change)
  })

  it('of a driver that states nothing would be as hostile as its database', async () => {
    const [row] = await database.rows(sql<{ count: number }>`
      SELECT cardinality(setconfig) AS count FROM pg_db_role_setting
      JOIN pg_database ON pg_database.oid = setdatabase WHERE datname = ${database.name}
    `)
    assert.equal(row?.count, names.length)
    for (const [name, value] of Object.entries(stated)) {
      assert.notEqual(value, hostileSettings[name as keyof typeof hostileSettings])
    }
  })

  it('states each setting that the code relies on, whatever its database has set', async () => {
    assert.deepEqual(await settingsOf(open()), stated)
  })

  it('of a listener does so too', async () => {
    const client = new SessionClient(connectionOptions('tested listen', database.url))
    await client.connect()
    const { rows } = await client.query('SHOW DateStyle')
    await client.end()
    assert.deepEqual(rows, [{ DateStyle: 'ISO, MDY' }])
  })

  it('states also what the options of the URL say otherwise, but not its time-outs and search path', async () => {
    const db = withOptions(
      '-c DateStyle=German --lock-timeout=7s -c search_path=pg_catalog -c array_nulls=off',
    )
    const changed = { lock_timeout: '7000', search_path: 'pg_catalog' }
    assert.deepEqual(await settingsOf(db), { ...stated, ...changed })
  })

  it('has the time-outs that are parameters of the URL', async () => {
    const db = open(`${database.url}?statement_timeout=1234&lock_timeout=567`)
    const changed = { statement_timeout: '1234', lock_timeout: '567' }
    assert.deepEqual(await settingsOf(db), { ...stated, ...changed })
  })

  it('reads times, nulls, floats and text as they are', async () => {
    const { rows } = await sql`
      SELECT '2026-01-31T12:00:00Z'::timestamptz AS time, (${['a', null]}::text[])[2] AS nothing,
             ${1 / 3}::float8 AS float, ${'Zoë ☕'}::text AS text, ${'\\'}::text AS backslash
    `.execute(open())
    const text = { text: 'Zoë ☕', backslash: '\\' }
    const time = new Date('2026-01-31T12:00:00Z')
    assert.deepEqual(rows, [{ time, nothing: null, float: 1 / 3, ...text }])
  })

  it('lives on after an answer that is an error, and while nobody needs it', async () => {
    const db = open()
    const pid = async () => (await sql`SELECT pg_backend_pid() AS pid`.execute(db)).rows
    const before = await pid()
    await assert.rejects(sql`SELECT 1 / 0`.execute(db))
    await sql`SELECT pg_sleep(0.4)`.execute(db)
    assert.deepEqual(await pid(), before)
  })

  it('that cannot be stated is no connection, and leaves none', async () => {
    const settings = { DateStyle: 'nonsense' }
    const client = new SessionClient({ ...connectionOptions('tested', database.url), settings })
    await assert.rejects(client.connect(), /DateStyle/)
  })

  it('knows every setting of PostgreSQL that can change what a statement means', async () => {
    const { rows } = await sql<{ name: string }>`
      SELECT name FROM pg_settings
      WHERE context = 'user' AND (category ~ '^(Client Connection Defaults|Version and Platform)'
                                  OR category = 'Error Handling')
    `.execute(open())
    const unknown = rows.filter(({ name }) => !leftAlone.has(name) && !names.includes(name))
    assert.deepEqual(unknown, [])
  })
})
