import assert from 'node:assert/strict'
import { connectDatabase } from '#chassis/database/connect.ts'
import { Health } from '#http/health.ts'
import { serve } from '#http/server.ts'
import { userLimit } from '#limits/user-limit.ts'
import { Principal } from '#principal/principal.ts'
import { type Verify, verifyNothing } from '#principal/verifier.ts'
import type { PaymentsDatabase } from '#tables/payments.ts'
import { call } from '#testing/client.ts'
import { useDatabase } from '#testing/database.ts'
import { recordingLogger, silent } from '#testing/logger.ts'
import { expectProblem } from '#testing/problem.ts'
import { useResources } from '#testing/resources.ts'
import { paymentsRouter } from './app.ts'

describe('payments-api, with a limit for each user', () => {
  const database = useDatabase('payments')
  const use = useResources()
  let origin = ''
  let refused: string[] = []

  /** The token of a user is the name. */
  const verifyName: Verify = (readToken) => {
    const expiresAt = Date.now() / 1_000 + 60
    const principal = Principal.ofToken({ userId: readToken() ?? '', expiresAt })
    return principal ?? Principal.unrestricted
  }
  const start = async (authMode: 'off' | 'jwt', perSecond = 1, logger = silent) => {
    const url = database.url
    const db = use(connectDatabase<PaymentsDatabase>({ name: 'payments-api', url, poolSize: 4 }))
    refused = []
    const onRefused = (reason: string) => void refused.push(reason)
    const timeoutMs = 30_000
    const options = { userRateLimitPerSecond: perSecond, authMode, logger, timeoutMs, onRefused }
    const verify = authMode === 'off' ? verifyNothing : verifyName
    const router = paymentsRouter({ db, verify, limitUser: userLimit(db, options) })
    const at = { host: '127.0.0.1', port: 0, health: new Health(), logger: silent, router }
    const { server } = use(await serve(at))
    origin = `http://127.0.0.1:${(server.address() as { port: number }).port}`
  }
  const get = (user: string) =>
    call(origin, 'GET', `/accounts/${user}`, { headers: { authorization: `Bearer ${user}` } })

  it('says with each answer what is left, and 429 when nothing is, and harms no other user', async () => {
    await start('jwt')
    const replies = await Promise.all(Array.from({ length: 20 }, () => get('alice')))
    const reply = replies.find(({ status }) => status === 429)
    assert.ok(reply)
    assert.match(expectProblem(reply, 429).detail, /Too many requests of this user/)
    assert.equal(reply.headers.get('retry-after'), '1')
    assert.equal(reply.headers.get('ratelimit'), '"user";r=0;t=1')
    assert.equal(reply.headers.get('ratelimit-policy'), '"user";q=2;w=2')
    const bob = await get('bob')
    assert.deepEqual([bob.status, bob.headers.get('ratelimit')], [404, '"user";r=1;t=1'])
    const refusals = replies.filter(({ status }) => status === 429).length
    assert.deepEqual(refused, Array(refusals).fill('user-rate'))
  })

  it('counts nobody without tokens, and says so at the start; nor without a limit', async () => {
    const { logger, said } = recordingLogger()
    await start('off', 1, logger)
    assert.match(said[0] ?? '', /^USER_RATE_LIMIT_PER_SECOND limits nobody/)
    await start('jwt', 0, logger)
    for (let n = 0; n < 10; n++) {
      const { status, headers } = await get('alice')
      assert.deepEqual([status, headers.get('ratelimit')], [404, null])
    }
    assert.equal(said.length, 1)
  })
})
