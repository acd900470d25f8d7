import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { useCertificates } from '#testing/certificates.ts'
import { parseScale } from './options.ts'
import { gatewayUrl, readSettings } from './settings.ts'

describe('the settings of a local stack', () => {
  const dir = mkdtempSync(join(tmpdir(), 'settings-'))
  after(() => rmSync(dir, { recursive: true }))
  const certificates = useCertificates()
  const read = (env: NodeJS.ProcessEnv) =>
    readSettings(
      { LOCAL_DIR: dir, ...env },
      { scale: parseScale([]), fromSource: false, auth: false },
    )
  const jwt = {
    ...{ AUTH_MODE: 'jwt', JWT_JWKS_URL: 'https://issuer.example/jwks.json' },
    ...{ JWT_ISSUER: 'https://issuer.example', JWT_AUDIENCE: 'orders-payments' },
  }

  it('open the gateway to other machines with tokens only, or where that is meant', () => {
    const open = { GATEWAY_HOST: '0.0.0.0' }
    assert.throws(() => read(open), /GATEWAY_HOST=0\.0\.0\.0 .* INSECURE_ACCEPTED=open-gateway/)
    for (const env of [jwt, { INSECURE_ACCEPTED: 'open-gateway' }]) {
      const settings = read({ ...open, ...env })
      assert.equal(settings.gatewayHost, '0.0.0.0')
      assert.equal(gatewayUrl(settings), 'http://127.0.0.1:8080')
    }
    assert.equal(gatewayUrl(read({ ...jwt, GATEWAY_HOST: '192.0.2.1' })), 'http://192.0.2.1:8080')
  })

  it('name what signatures need, and no secret', () => {
    const keys = { ORDERS_EVENT_SIGNING_KEYS: 'swordfish' }
    assert.throws(() => read(keys), /EVENT_SIGNATURES .*since there is ORDERS_EVENT/)
    assert.throws(
      () => read({ EVENT_SIGNATURES: 'required', ...keys }),
      ({ message }: Error) =>
        /ORDERS_\w+ must be ID:SECRET.*\n {2}PAYMENTS_\w+ is missing/.test(message) &&
        !message.includes('swordfish'),
    )
  })

  it('have a certificate of the gateway with its key, or none', () => {
    const { authority } = certificates
    const { cert, key } = authority('gateway').issue('here', 'DNS:localhost')
    const env = { GATEWAY_TLS_CERT_FILE: cert, GATEWAY_TLS_KEY_FILE: key }
    assert.equal(gatewayUrl(read(env)), 'https://127.0.0.1:8080')
    assert.throws(
      () => read({ GATEWAY_TLS_CERT_FILE: cert }),
      /GATEWAY_TLS_CERT_FILE and GATEWAY_TLS_KEY_FILE go together/,
    )
    assert.throws(
      () => read({ ...env, GATEWAY_TLS_KEY_FILE: '/missing.key' }),
      /GATEWAY_TLS_KEY_FILE \/missing.key cannot be read: ENOENT/,
    )
  })

  it('name what tokens need, with every other fault', () => {
    assert.throws(
      () => read({ AUTH_MODE: 'jwt', GATEWAY_PORT: 'http' }),
      /GATEWAY_PORT must [\s\S]*JWT_ISSUER is missing[\s\S]*JWT_AUDIENCE is missing/,
    )
  })
})
