import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import type { Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import { freePorts } from '#testing/free-ports.ts'
import { createProvider } from './provider.ts'
import { readSecrets } from './secrets.ts'

const page = 'http://localhost:8080/'
const client = { client_id: 'page', redirect_uri: page }
const resource = 'urn:shop'
const code_verifier = 'v'.repeat(43)
const code_challenge = createHash('sha256').update(code_verifier).digest('base64url')

describe('the demo provider', () => {
  const dir = mkdtempSync(join(tmpdir(), 'provider-'))
  let server: Server
  let issuer = ''
  let cookies: Map<string, string>

  before(async () => {
    const [port = 0] = await freePorts(1)
    issuer = `http://localhost:${port}`
    const config = {
      ...{ host: '127.0.0.1', port, issuer, audience: 'orders-payments', clientId: 'page' },
      ...{ resource, gatewayPort: 8080, accessTokenSeconds: 60, dir },
    }
    server = createProvider(config, readSecrets(dir)).listen(port, '127.0.0.1')
    await once(server, 'listening')
  })
  after(() => {
    server.close()
    server.closeAllConnections()
    rmSync(dir, { recursive: true })
  })
  beforeEach(() => {
    cookies = new Map()
  })

  /** As a browser: with its cookies, up to the next redirect. */
  async function go(url: string, method = 'GET'): Promise<string> {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const options = { method, headers: { cookie }, redirect: 'manual' } as const
    const { headers } = await fetch(new URL(url, issuer), options)
    for (const line of headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
      cookies.set(name, value)
    }
    return headers.get('location') ?? ''
  }
  const ask = (more: Record<string, string> = {}) =>
    go(
      `/auth?${new URLSearchParams({
        ...{ ...client, response_type: 'code', state: 'state', resource },
        ...{ code_challenge, code_challenge_method: 'S256' },
        ...{ scope: 'openid orders payments operator', ...more },
      })}`,
    )
  /** What the browser comes back to the page with. */
  async function signIn(answer: string): Promise<URLSearchParams> {
    const back = await go(await go(`${await ask()}/${answer}`, 'POST'))
    assert.ok(back.startsWith(page))
    return new URL(back).searchParams
  }
  async function redeem(grant: Record<string, string>) {
    const body = new URLSearchParams({ ...client, resource, ...grant })
    const response = await fetch(`${issuer}/token`, { method: 'POST', body })
    return { status: response.status, tokens: (await response.json()) as Record<string, string> }
  }
  const redeemCode = async (user: string) => {
    const code = (await signIn(user)).get('code') ?? ''
    return (await redeem({ grant_type: 'authorization_code', code, code_verifier })).tokens
  }

  for (const [user, scope] of Object.entries({
    alice: 'orders payments operator',
    bob: 'orders payments',
  })) {
    it(`gives ${user} a signed token for the APIs, for ${scope}`, async () => {
      const { access_token = '' } = await redeemCode(user)
      const keys = createRemoteJWKSet(new URL(`${issuer}/jwks`))
      const claims = { issuer, audience: 'orders-payments', algorithms: ['ES256'] }
      const { payload } = await jwtVerify(access_token, keys, claims)
      assert.deepEqual([payload.sub, payload.scope], [user, scope])
    })
  }

  it('takes a refresh token once', async () => {
    const { refresh_token = '' } = await redeemCode('alice')
    const refresh = () => redeem({ grant_type: 'refresh_token', refresh_token })
    assert.equal((await refresh()).status, 200)
    assert.equal((await refresh()).tokens.error, 'invalid_grant')
  })

  it('knows who has signed in, and asks nobody when it must not ask', async () => {
    const back = new URL(await ask({ prompt: 'none' }))
    assert.equal(back.searchParams.get('error'), 'login_required')
    await signIn('bob')
    assert.ok(new URL(await ask({ prompt: 'none' })).searchParams.has('code'))
  })

  it('tells the page who has cancelled, or asks for another API', async () => {
    assert.equal((await signIn('cancel')).get('error'), 'access_denied')
    const back = new URL(await ask({ resource: 'urn:elsewhere' }))
    assert.equal(back.searchParams.get('error'), 'invalid_target')
  })

  it('makes its keys once, for itself alone', () => {
    assert.deepEqual(readSecrets(dir), readSecrets(dir))
    assert.equal(statSync(join(dir, 'secrets.json')).mode & 0o777, 0o600)
  })
})
