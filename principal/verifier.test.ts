import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { readConfig } from '#chassis/config.ts'
import { classify } from '#chassis/errors.ts'
import { Problem } from '#http/problem.ts'
import { badTokens } from '#testing/bad-tokens.ts'
import { eventually } from '#testing/eventually.ts'
import {
  audience,
  inSeconds,
  issuer,
  KeyServer,
  newKey,
  type SigningKey,
  tokenOf,
} from '#testing/issuer.ts'
import { silent } from '#testing/logger.ts'
import { useResources } from '#testing/resources.ts'
import type { Scope } from './principal.ts'
import { RemoteKeys } from './remote-keys.ts'
import { authVariables } from './variables.ts'
import { createVerifier, type Verify } from './verifier.ts'

const pem = ({ publicKey }: SigningKey) => publicKey.export({ type: 'spki', format: 'pem' })

const userOf = async (verify: Verify, token: Promise<string>) => {
  const text = await token
  return (await verify(() => text, 'orders')).userId
}

describe('a verifier of tokens', () => {
  const use = useResources()
  const key = newKey('a')

  const verifierOf = (variables: NodeJS.ProcessEnv) => {
    const stop = new AbortController()
    use({ close: () => stop.abort() })
    const env = { AUTH_MODE: 'jwt', JWT_ISSUER: issuer, JWT_AUDIENCE: audience, ...variables }
    const config = readConfig(env, authVariables(env))
    return createVerifier(config, { logger: silent, signal: stop.signal })
  }
  const { verify } = verifierOf({ JWT_PUBLIC_KEY: String(pem(key)) })
  const refusal = async (token: string | undefined, scope: Scope = 'orders') => {
    try {
      await verify(() => token, scope)
    } catch (error) {
      assert.ok(error instanceof Problem, String(error))
      return { status: error.status, challenge: error.headers['WWW-Authenticate'] }
    }
    return assert.fail('the token was accepted')
  }

  it('knows the user of a good token, by PEM, by PEM in one line and by JWK', async () => {
    const token = await tokenOf(key, 'alice')
    const jwk = JSON.stringify(key.publicKey.export({ format: 'jwk' }))
    const line = String(pem(key)).replaceAll('\n', '\\n')
    for (const text of [String(pem(key)), line, jwk]) {
      const principal = await verifierOf({ JWT_PUBLIC_KEY: text }).verify(() => token, 'orders')
      assert.equal(principal.userId, 'alice')
      assert.equal(principal.own('bob'), undefined)
    }
  })

  it('takes tokens of a clock that is up to 30 s off', async () => {
    for (const claims of [{ exp: inSeconds(-20) }, { nbf: inSeconds(20) }]) {
      assert.equal(await userOf(verify, tokenOf(key, 'alice', claims)), 'alice')
    }
  })

  for (const [name, make] of Object.entries(badTokens(key, 'alice'))) {
    it(`refuses as invalid a token: ${name}`, async () => {
      const { status, challenge } = await refusal(await make())
      assert.equal(status, 401)
      assert.match(challenge ?? '', /^Bearer realm="orders-payments", error="invalid_token", err/)
    })
  }

  it('asks for a token, without an error, where there is none', async () => {
    const challenge = 'Bearer realm="orders-payments"'
    assert.deepEqual(await refusal(undefined), { status: 401, challenge })
  })

  it('limits a token to its scopes, by either claim, and one without a scope to nothing', async () => {
    for (const claims of [{ scope: 'openid payments' }, { scp: ['payments'] }, { scope: '' }]) {
      const token = await tokenOf(key, 'alice', claims)
      const { status, challenge } = await refusal(token)
      assert.equal(status, 403)
      assert.match(challenge ?? '', /error="insufficient_scope", scope="orders"$/)
      if (claims.scope !== '') assert.ok(await verify(() => token, 'payments'))
    }
    assert.ok(await userOf(verify, tokenOf(key, 'alice', { scope: 'orders' })))
  })

  it('takes nobody for an operator whose token does not name that scope', async () => {
    for (const claims of [{}, { scope: 'orders payments' }]) {
      const { status } = await refusal(await tokenOf(key, 'alice', claims), 'operator')
      assert.equal(status, 403)
    }
    const token = await tokenOf(key, 'alice', { scope: 'operator' })
    assert.ok(await verify(() => token, 'operator'))
  })

  it('verifies with an RSA key by the algorithms of RSA only', async () => {
    const pair = generateKeyPairSync('rsa', { modulusLength: 2_048 })
    const rsa = { ...pair, kid: 'a', alg: 'PS256' }
    const verifier = verifierOf({ JWT_PUBLIC_KEY: String(pem(rsa)) })
    assert.equal(await userOf(verifier.verify, tokenOf(rsa, 'alice')), 'alice')
    await assert.rejects(userOf(verifier.verify, tokenOf(key, 'alice')), Problem)
  })

  it('verifies nothing with AUTH_MODE=off', async () => {
    const { verify: off } = verifierOf({ AUTH_MODE: 'off' })
    assert.equal(
      (await off(() => assert.fail('it looked for a token'), 'orders')).userId,
      undefined,
    )
  })
})

describe('the keys of an issuer', function () {
  this.timeout(60_000)
  const use = useResources()
  const old = newKey('old')
  const next = newKey('next')

  const started = async (refreshMs = 300_000) => {
    const server = use(await new KeyServer().start())
    await server.publish(old)
    const stop = new AbortController()
    use({ close: () => stop.abort() })
    let readings = 0
    const keys = new RemoteKeys({
      url: new URL(server.url),
      logger: silent,
      signal: stop.signal,
      onRead: () => readings++,
      ...{ refreshMs, cooldownMs: 200 },
    })
    return { server, keys, readings: () => readings }
  }
  const find = async (keys: RemoteKeys, { kid, alg }: SigningKey) =>
    keys.find({ alg, kid }, { payload: '', signature: '' })

  it('are read once for many tokens, and again for a key that is new', async () => {
    const { server, keys } = await started()
    await Promise.all(Array.from({ length: 50 }, () => find(keys, old)))
    assert.equal(server.reads, 1)
    keys.assertRead()
    await server.publish(old, next)
    await Promise.all([next, old, next].map((key) => find(keys, key)))
    assert.equal(server.reads, 2)
  })

  it('are read once in a while, however many unknown keys tokens name', async () => {
    const { server, keys } = await started()
    await find(keys, old)
    const startedAt = performance.now()
    const unknown = Array.from({ length: 50 }, () => find(keys, next))
    for (const { status } of await Promise.allSettled(unknown)) assert.equal(status, 'rejected')
    await assert.rejects(find(keys, next), { code: 'ERR_JWKS_NO_MATCHING_KEY' })
    assert.ok(server.reads <= 3, `${server.reads} readings`)
    assert.ok(performance.now() - startedAt > 200)
  })

  it('stay known while they cannot be read; an unknown one is unavailable, until they can', async () => {
    const { server, keys } = await started(100)
    await find(keys, old)
    await server.close()
    await assert.rejects(find(keys, next), (error) => classify(error) === 'unavailable')
    await find(keys, old)
    await server.publish(old, next)
    await server.start()
    await find(keys, next)
  })

  it('are read again from time to time: one that was withdrawn counts no more', async () => {
    const { server, keys } = await started(100)
    await find(keys, old)
    await server.publish(next)
    await eventually(() =>
      find(keys, old).then(
        () => false,
        () => true,
      ),
    )
  })

  it('are unavailable, and the process is not ready, while they were never read', async () => {
    const { server, keys } = await started()
    await server.close()
    await assert.rejects(find(keys, old), (error) => classify(error) === 'unavailable')
    assert.throws(() => keys.assertRead(), /keys of tokens cannot be read/)
  })

  it('are tried one by one for a token that names none', async () => {
    const anonymous = [old, next].map((key) => ({ ...key, kid: '' }))
    const server = use(await new KeyServer().start())
    await server.publish(...anonymous)
    const stop = new AbortController()
    use({ close: () => stop.abort() })
    const env = {
      ...{ AUTH_MODE: 'jwt', JWT_JWKS_URL: server.url },
      ...{ JWT_ISSUER: issuer, JWT_AUDIENCE: audience },
    }
    const config = readConfig(env, authVariables(env))
    const { verify } = createVerifier(config, { logger: silent, signal: stop.signal })
    for (const key of anonymous) {
      assert.equal(await userOf(verify, tokenOf(key, 'alice')), 'alice')
    }
    const foreign = tokenOf({ ...newKey('x'), kid: '' }, 'alice')
    await assert.rejects(userOf(verify, foreign), Problem)
  })
})
