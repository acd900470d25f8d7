import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { withoutLogins } from './logger.ts'

describe('a logger', () => {
  it('writes no secret, wherever it comes from', () => {
    const program = `
      import { createLogger } from '#chassis/logger.ts'
      const logger = createLogger('test')
      const cause = Object.assign(new Error('amqp://tom:swordfish@host is away'), {
        password: 'swordfish', config: { connectionString: 'postgres://tom:swordfish@host/db' } })
      logger.error({ err: new Error('no', { cause }) }, 'at postgres://tom:swordfish@host')
      logger.warn({ err: cause, headers: { authorization: 'swordfish' } })`
    const { stdout, status } = spawnSync(
      process.execPath,
      ['--input-type=module', '--eval', program],
      { encoding: 'utf8' },
    )
    assert.equal(status, 0)
    assert.equal(stdout.trim().split('\n').length, 2)
    assert.match(stdout, /amqp:\/\/\*\*\*@host is away/)
    assert.doesNotMatch(stdout, /swordfish/)
  })

  it('says why a certificate is refused, and not all that is in it', () => {
    const program = `
      import { createLogger } from '#chassis/logger.ts'
      const cert = { raw: Buffer.alloc(2_000), issuerCertificate: {} }
      const err = Object.assign(new Error('has expired'), { code: 'CERT_HAS_EXPIRED', cert })
      createLogger('test').warn({ err })
      createLogger('test').warn({ err: 'a text' })`
    const args = ['--input-type=module', '--eval', program]
    const { stdout } = spawnSync(process.execPath, args, { encoding: 'utf8' })
    const [error, text] = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).err)
    const { type, message, code, cert } = error
    assert.deepEqual(
      [type, message, code, cert],
      ['Error', 'has expired', 'CERT_HAS_EXPIRED', undefined],
    )
    assert.equal(text, 'a text')
  })
})

describe('withoutLogins', () => {
  for (const login of [
    'tom:swordfish',
    ':swordfish',
    'swordfish',
    'tom:sword@fish/raw',
    't%3Ac:s;w',
  ]) {
    it(`takes ${login} out of a URL, wherever the URL is`, () => {
      const line = `{"err":{"message":"at amqp://${login}@host:1/v, or \\"postgres://${login}@[::1]/db\\""}}`
      const said = '{"err":{"message":"at amqp://***@host:1/v, or \\"postgres://***@[::1]/db\\""}}'
      assert.equal(withoutLogins(line), said)
    })
  }

  it('takes a password out of the parameters of a URL', () => {
    const said = withoutLogins('"postgres:///db?user=tom&password=s%40w&host=/run"')
    assert.equal(said, '"postgres:///db?user=tom&password=***&host=/run"')
  })

  it('takes the fields of an object that hold secrets', () => {
    const line = '{"password":"sword\\"fish","Authorization":"Bearer x","passwords":"a"}'
    const said = '{"password":"***","Authorization":"***","passwords":"a"}'
    assert.equal(withoutLogins(line), said)
  })

  it('leaves everything else as it is', () => {
    const line = '{"url":"http://host/a","msg":"sent to tom@cat","user":"a:b@c"}'
    assert.equal(withoutLogins(line), line)
  })
})
