import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { integer, oneOf, overriding, readConfig, secret, text } from './config.ts'
import { amqpUrl, postgresUrl } from './server-urls.ts'

const variables = {
  databaseUrl: postgresUrl('DATABASE_URL'),
  brokerUrl: amqpUrl('AMQP_URL'),
  batchSize: integer('BATCH_SIZE', { min: 1, max: 10 }),
  idleMs: integer('IDLE_MS', { fallback: 500 }),
  level: oneOf('LEVEL', ['low', 'high'], 'low'),
  host: text('HOST', '127.0.0.1'),
  key: { ...secret('KEY'), fallback: '' },
}
const env = { DATABASE_URL: 'postgres://db/x', AMQP_URL: 'amqp://broker', BATCH_SIZE: '3' }

/** What a start with this environment says, or nothing when it may start. */
function complaint(env: NodeJS.ProcessEnv): string {
  try {
    readConfig<Record<string, unknown>>(env, variables)
    return ''
  } catch (error) {
    return (error as Error).message
  }
}

describe('readConfig', () => {
  it('reads every variable, or its fallback', () => {
    assert.deepEqual(readConfig<Record<string, unknown>>({ ...env, LEVEL: 'high' }, variables), {
      databaseUrl: 'postgres://db/x',
      brokerUrl: 'amqp://broker',
      batchSize: 3,
      idleMs: 500,
      level: 'high',
      host: '127.0.0.1',
      key: '',
    })
  })

  it('lists every fault by name, in one go', () => {
    const faulty = { AMQP_URL: 'http://x', BATCH_SIZE: '0', IDLE_MS: 'soon', LEVEL: 'medium' }
    assert.deepEqual(complaint(faulty).split('\n  '), [
      'Cannot start:',
      'DATABASE_URL is missing',
      'AMQP_URL must be a URL that starts with amqp:// or amqps://',
      'BATCH_SIZE must be a whole number from 1 to 10, got "0"',
      'IDLE_MS must be a whole number from 0 to 2147483647, got "soon"',
      'LEVEL must be one of low, high, got "medium"',
    ])
  })

  it('takes an empty variable, or one of spaces, for a missing one', () => {
    assert.match(complaint({ ...env, BATCH_SIZE: ' ' }), /BATCH_SIZE is missing/)
    assert.equal(readConfig({ IDLE_MS: '' }, { idleMs: variables.idleMs }).idleMs, 500)
  })

  for (const value of ['-1', '1.5', '1e3', '0x10', 'NaN', '11', '99999999999', '1 0', '١']) {
    it(`refuses ${value} for a whole number from 1 to 10`, () => {
      assert.match(complaint({ ...env, BATCH_SIZE: value }), /BATCH_SIZE must be/)
    })
  }

  it('never shows the value of a URL, which holds a password', () => {
    const secret = fc.stringMatching(/^[a-zA-Z0-9]{8,20}$/)
    const scheme = fc.constantFrom('postgres', 'htpp://', 'amqp', 'mysql://', '')
    fc.assert(
      fc.property(secret, scheme, (secret, scheme) => {
        const url = `${scheme}user:${secret}@server/db`
        const said = complaint({ ...env, DATABASE_URL: url, AMQP_URL: url, BATCH_SIZE: 'x' })
        assert.ok(!said.includes(secret), said)
        assert.match(said, /DATABASE_URL must/)
      }),
    )
  })

  for (const login of [
    'u:1/2',
    'u:p@ss/w',
    'u:1?2',
    'u:1#2',
    'u:p#w',
    'u:100%',
    'u:%FC',
    'u/v:pw',
  ]) {
    it(`asks for percent-encoding where a login is ${login}`, () => {
      const url = `${login}@server:5432/db`
      const said = complaint({
        ...env,
        DATABASE_URL: `postgres://${url}`,
        AMQP_URL: `amqp://${url}`,
      })
      assert.equal(
        said.match(/(?<=\n {2})(DATABASE|AMQP)_URL .* percent-encoded: # is %23/g)?.length,
        2,
      )
      assert.ok(!said.includes('server'))
    })
  }

  it('reads a variable by its former name where the new one is missing', () => {
    const renamed = { idleMs: { ...integer('IDLE_MS', { fallback: 500 }), formerName: 'PAUSE_MS' } }
    assert.deepEqual(readConfig({ PAUSE_MS: '7' }, renamed), { idleMs: 7 })
    assert.deepEqual(readConfig({ PAUSE_MS: '7', IDLE_MS: '8' }, renamed), { idleMs: 8 })
    assert.deepEqual(readConfig({ PAUSE_MS: '', IDLE_MS: ' ' }, renamed), { idleMs: 500 })
    assert.throws(() => readConfig({ PAUSE_MS: 'x' }, renamed), /PAUSE_MS must be a whole number/)
  })

  for (const url of [
    'postgres://u:a%2Fb%40c%3A@[::1]:5432/db?sslmode=require',
    'postgres:///db?host=/run/postgresql&user=u',
    'postgres://u@%2Frun%2Fpostgresql/db',
    'postgres://u:a@b@server/db',
    'postgres://u:p%C3%BC;ü@server/db',
  ]) {
    it(`takes ${url}`, () => {
      assert.equal(complaint({ ...env, DATABASE_URL: url }), '')
    })
  }
})

describe('a secret in a file', () => {
  const dir = mkdtempSync(join(tmpdir(), 'config-'))
  after(() => rmSync(dir, { recursive: true }))
  const file = (name: string, content: string) => {
    writeFileSync(join(dir, name), content)
    return join(dir, name)
  }

  it('is read without the newline at its end', () => {
    const { AMQP_URL: _, ...others } = env
    const url = file('amqp', 'amqp://user:secret@broker\r\n')
    const config = readConfig<Record<string, unknown>>({ ...others, AMQP_URL_FILE: url }, variables)
    assert.equal(config.brokerUrl, 'amqp://user:secret@broker')
  })

  it('is refused beside the variable itself, missing or empty, with all other faults', () => {
    const missing = join(dir, 'missing')
    const said = complaint({
      ...{ IDLE_MS_FILE: missing, AMQP_URL: 'amqp://broker' }, // IDLE_MS is no secret
      AMQP_URL_FILE: file('both', 'amqp://other'),
      DATABASE_URL_FILE: missing,
      BATCH_SIZE: '0',
      KEY_FILE: file('empty', '\n'),
    })
    assert.deepEqual(said.split('\n  ').slice(1), [
      `DATABASE_URL cannot be read from ${missing} (DATABASE_URL_FILE): ENOENT`,
      'AMQP_URL and AMQP_URL_FILE are both set: only one of them counts',
      'BATCH_SIZE must be a whole number from 1 to 10, got "0"',
      `KEY is empty in ${join(dir, 'empty')} (KEY_FILE)`,
    ])
  })

  it('is not repeated where it stands, by mistake, in place of its path', () => {
    const url = 'postgres://user:swordfish@server/db'
    const { DATABASE_URL: _, ...others } = env
    assert.match(complaint({ ...others, DATABASE_URL_FILE: url }), /read from its file .*: ENOENT$/)
  })

  it('goes when another environment names the variable itself', () => {
    const given = { DATABASE_URL_FILE: join(dir, 'missing'), ...env }
    const own = { ...given, ...overriding('DATABASE_URL', 'postgres://own/db') }
    assert.equal(complaint(own), '')
  })
})
