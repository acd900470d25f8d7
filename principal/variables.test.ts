import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { readConfig } from '#chassis/config.ts'
import { newKey } from '#testing/issuer.ts'
import { authVariables } from './variables.ts'

const read = (env: NodeJS.ProcessEnv) => readConfig(env, authVariables(env))
const jwt = { AUTH_MODE: 'jwt', JWT_ISSUER: 'https://issuer.example', JWT_AUDIENCE: 'orders' }
const pem = String(newKey('a').publicKey.export({ type: 'spki', format: 'pem' }))

describe('the variables of AUTH_MODE', () => {
  it('are not needed with AUTH_MODE=off', () => {
    assert.deepEqual(read({ JWT_PUBLIC_KEY: 'nonsense' }), {
      ...{ authMode: 'off', jwksUrl: '', publicKey: false, jwtIssuer: '', jwtAudience: '' },
    })
  })

  it('are all named when they are missing', () => {
    assert.throws(() => read({ AUTH_MODE: 'jwt' }), {
      message: [
        'Cannot start:',
        '  JWT_JWKS_URL or JWT_PUBLIC_KEY is missing',
        '  JWT_ISSUER is missing',
        '  JWT_AUDIENCE is missing',
      ].join('\n'),
    })
  })

  it('have one source of keys, not two', () => {
    const url = 'https://issuer.example/jwks.json'
    assert.equal(read({ ...jwt, JWT_JWKS_URL: url }).jwksUrl, url)
    assert.ok(read({ ...jwt, JWT_PUBLIC_KEY: pem }).publicKey)
    assert.throws(
      () => read({ ...jwt, JWT_JWKS_URL: url, JWT_PUBLIC_KEY: pem }),
      /JWT_JWKS_URL and JWT_PUBLIC_KEY are both set/,
    )
  })

  const secret = newKey('a').privateKey
  const short = generateKeyPairSync('rsa', { modulusLength: 1_024 }).publicKey
  const refused: Record<string, [key: string, why: RegExp]> = {
    'a secret': ['{"kty":"oct","k":"c2VjcmV0"}', /must be a public key: this one is secret/],
    'a private PEM': [String(secret.export({ type: 'pkcs8', format: 'pem' })), /is secret/],
    'a private JWK': [JSON.stringify(secret.export({ format: 'jwk' })), /is secret/],
    'a short RSA key': [String(short.export({ type: 'spki', format: 'pem' })), /2048 bits/],
    nonsense: ['nonsense', /must be a public key as PEM .* or JWK/],
  }
  for (const [name, [key, why]] of Object.entries(refused)) {
    it(`refuse ${name}, and do not repeat it`, () => {
      assert.throws(
        () => read({ ...jwt, JWT_PUBLIC_KEY: key }),
        ({ message }: Error) => why.test(message) && !message.includes(key),
      )
    })
  }
})
