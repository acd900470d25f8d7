import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { authMode, readConfig, text } from '#chassis/config.ts'
import { signInOf, signInVariables } from './sign-in.ts'

const jwt = {
  ...{ AUTH_MODE: 'jwt', JWT_ISSUER: 'https://issuer.example/realms/shop' },
  OIDC_CLIENT_ID: 'page',
}
const read = (env: NodeJS.ProcessEnv) =>
  signInOf(
    readConfig(env, { authMode, jwtIssuer: text('JWT_ISSUER', ''), ...signInVariables(env) }),
  )

describe('what the page is told of signing in', () => {
  it('is nothing with AUTH_MODE=off, whatever else is set', () => {
    const { AUTH_MODE, JWT_ISSUER, OIDC_CLIENT_ID, OIDC_ORIGIN } = read({
      ...jwt,
      AUTH_MODE: 'off',
    })
    assert.deepEqual([AUTH_MODE, JWT_ISSUER, OIDC_CLIENT_ID, OIDC_ORIGIN], ['off', '', '', ''])
  })

  it('is the issuer, and the origin that the page may call', () => {
    assert.deepEqual(read(jwt), {
      ...jwt,
      OIDC_SCOPE: 'openid orders payments',
      OIDC_RESOURCE: '',
      OIDC_ORIGIN: 'https://issuer.example',
    })
  })

  it('is no issuer where nothing can be asked: programs bring tokens, and the page says so', () => {
    assert.equal(read({ ...jwt, OIDC_CLIENT_ID: '', JWT_ISSUER: 'any name' }).OIDC_ORIGIN, '')
  })

  const bad = [
    { JWT_ISSUER: 'issuer.example' },
    { JWT_ISSUER: 'https://issuer.example/";' },
    { OIDC_CLIENT_ID: `page' '` },
    { OIDC_SCOPE: '$uri' },
    { OIDC_RESOURCE: 'a\\nb' },
  ]
  for (const env of bad) {
    it(`is refused by npm start and by the container: ${JSON.stringify(env)}`, () => {
      assert.throws(() => read({ ...jwt, ...env }), /OIDC_/)
      const container = spawnSync('sh', ['gateway/nginx.sh', 'none'], {
        env: { PATH: process.env.PATH, ...jwt, ...env },
        encoding: 'utf8',
      })
      assert.equal(container.status, 78)
      assert.match(container.stderr, /OIDC_/)
    })
  }
})
