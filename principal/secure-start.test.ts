import assert from 'node:assert/strict'
import { assertSecureStart } from './secure-start.ts'

type Config = Parameters<typeof assertSecureStart>[0]

const fine: Config = {
  authMode: 'jwt',
  databaseUrl: 'postgres://a:own@host/orders_db',
}
const production = { NODE_ENV: 'production' }

describe('a start that would be insecure by accident', () => {
  const cases: Record<string, { config: Partial<Config>; env: NodeJS.ProcessEnv }> = {
    'auth-off': { config: { authMode: 'off' }, env: production },
    'default-passwords': {
      config: { databaseUrl: 'postgres://postgres:postgres-for-development@host/orders_db' },
      env: production,
    },
    'open-gateway': { config: { authMode: 'off' }, env: { GATEWAY_HOST: '0.0.0.0' } },
    'open-operator-page': {
      config: { authMode: 'off', operatorPage: 'look', host: '0.0.0.0' },
      env: {},
    },
    'unverified-tls': { config: {}, env: { NODE_TLS_REJECT_UNAUTHORIZED: '0' } },
  }
  for (const [kind, { config, env }] of Object.entries(cases)) {
    const start = (more: NodeJS.ProcessEnv) =>
      assertSecureStart({ ...fine, ...config }, { ...env, ...more })

    it(`${kind} is refused in one line, which says how to mean it and has no password`, () => {
      assert.throws(
        () => start({}),
        ({ message }: Error) => {
          const [head, line = '', ...more] = message.split('\n')
          assert.deepEqual([head, more], ['Cannot start:', []])
          assert.ok(line.includes(`INSECURE_ACCEPTED=${kind}`), line)
          assert.ok(!line.includes('for-development'), line)
          return true
        },
      )
    })

    it(`${kind} starts when it is meant`, () => {
      start({ INSECURE_ACCEPTED: `default-passwords, ${kind}` })
    })
  }

  it('is found in each URL of a list', () => {
    const amqpUrl = 'amqp://a:own@one:5672,amqp://a:a-for-development@two:5672'
    assert.throws(() => assertSecureStart({ ...fine, amqpUrl }, production), /a default password/)
    assertSecureStart({ ...fine, amqpUrl: amqpUrl.replace('a-for-development', 'own') }, production)
  })

  it('names every way at once', () => {
    const config: Config = { ...fine, authMode: 'off', amqpUrl: 'amqp://guest:guest@host' }
    assert.throws(
      () => assertSecureStart(config, { ...production, GATEWAY_HOST: '::' }),
      ({ message }: Error) => message.split('\n').length === 4,
    )
  })

  it('refuses to accept what it does not know', () => {
    const env = { INSECURE_ACCEPTED: 'all' }
    assert.throws(() => assertSecureStart(fine, env), /takes auth-off, default-passwords, .* "all"/)
  })

  it('is none on loopback outside of production, or with tokens', () => {
    const demo: Config = { ...fine, ...cases['default-passwords']?.config, authMode: 'off' }
    for (const GATEWAY_HOST of [undefined, '127.0.0.1', 'localhost', '::1', '[::1]', '127.1.2.3']) {
      assertSecureStart(demo, { GATEWAY_HOST })
    }
    assertSecureStart(fine, { ...production, GATEWAY_HOST: '0.0.0.0' })
  })
})
