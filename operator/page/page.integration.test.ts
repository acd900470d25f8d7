import assert from 'node:assert/strict'
import { randomUUIDv7 } from 'node:crypto'
import { readConfig } from '#chassis/config.ts'
import { queues } from '#contracts/topology.ts'
import { Health } from '#http/health.ts'
import { serve } from '#http/server.ts'
import { declareTopology } from '#messaging/broker/topology.ts'
import { authVariables } from '#principal/variables.ts'
import { createVerifier } from '#principal/verifier.ts'
import { useBroker } from '#testing/broker.ts'
import { useDatabase } from '#testing/database.ts'
import { audience, issuer, newKey, tokenOf } from '#testing/issuer.ts'
import { recordingLogger } from '#testing/logger.ts'
import { useResources } from '#testing/resources.ts'
import { withQueueBrowser } from '../dead-letters/broker/queue-browser.ts'
import { pageRouter } from './app.ts'
import { readPageFiles } from './files.ts'
import { createRunner } from './run-command.ts'

const { queue } = queues.paymentsConsumer
const dlq = `${queue}.dlq`

describe("the operator's page, by its calls", function () {
  this.timeout(60_000)
  const broker = useBroker()
  const orders = useDatabase('orders')
  const payments = useDatabase('payments')
  const use = useResources()
  const key = newKey('a')

  before(() =>
    declareTopology({
      ...{ name: 'test', url: broker.url, topology: { queues: Object.values(queues) } },
    }),
  )
  afterEach(async () => {
    for (const name of [queue, dlq]) await broker.drain(name)
  })

  interface Started {
    canAct?: boolean
    env?: NodeJS.ProcessEnv
    auth?: NodeJS.ProcessEnv
  }
  interface Asked {
    headers?: Record<string, string>
    method?: string
    body?: string
  }

  /** The page at real servers; `ask` sends what its own scripts would send, with other headers. */
  async function start({ canAct = false, env = {}, auth = {} }: Started = {}) {
    const { logger, lines } = recordingLogger()
    const urls = {
      AMQP_URL: broker.url,
      ORDERS_DATABASE_URL: orders.url,
      PAYMENTS_DATABASE_URL: payments.url,
      ...env,
    }
    const stop = new AbortController()
    use({ close: () => stop.abort() })
    const config = readConfig(auth, authVariables(auth))
    const { verify } = createVerifier(config, { logger, signal: stop.signal })
    const router = pageRouter({
      ...{ verify, canAct, isOpen: config.authMode === 'off', files: readPageFiles() },
      run: createRunner({ env: urls, logger, canAct }),
    })
    const health = new Health()
    const http = use(await serve({ host: '127.0.0.1', port: 0, health, logger, router }))
    const { port } = http.server.address() as { port: number }
    const origin = `http://localhost:${port}`
    const ask = async (path: string, { headers = {}, ...init }: Asked = {}) => {
      const own = { 'Content-Type': 'application/json', Origin: origin }
      const response = await fetch(new URL(path, origin), {
        ...{ redirect: 'manual', headers: { ...own, ...headers } },
        ...init,
      })
      const said = await response.text()
      const isJson = /json/.test(response.headers.get('content-type') ?? '')
      return { response, status: response.status, text: said, body: isJson ? JSON.parse(said) : {} }
    }
    const run = (command: string, call: object = {}, headers = {}) =>
      ask(`/operator/api/${command}`, {
        ...{ method: 'POST', headers },
        body: JSON.stringify({ arguments: [], options: {}, ...call }),
      })
    return { ask, run, origin, lines }
  }

  async function bury(...ids: string[]): Promise<void> {
    const headers = { 'dead-letter-reason': 'not-json', 'last-error': '<i>no</i>', attempts: 1 }
    for (const messageId of ids) {
      await broker.publish({ routingKey: dlq }, '<b>hello</b>', { messageId, headers })
    }
  }

  it('runs the commands of the command line, and answers with their JSON', async () => {
    const id = randomUUIDv7()
    await bury(id)
    const { run, ask } = await start()
    const session = await ask('/operator/api/session')
    assert.deepEqual(session.body, { user_id: null, can_act: false })
    assert.equal(session.response.headers.get('cache-control'), 'no-store')
    const status = await run('status')
    assert.deepEqual([status.body.is_fine, status.body.error], [true, null])
    assert.equal(status.body.result.dead_letters[0].messages, 1)
    const shown = await run('dlq-show', { arguments: [id] })
    assert.equal(shown.body.result.letters[0].body, '<b>hello</b>')
    assert.equal((await run('stuck')).body.result.total, 0)
    const compared = await run('reconcile', { options: { 'older-than': '5m' } })
    assert.deepEqual([compared.body.is_fine, compared.body.result.findings.length], [false, 1])
  })

  it('only looks, also by a dry run, unless it was started to act', async () => {
    const id = randomUUIDv7()
    await bury(id)
    const { run, lines } = await start()
    const dry = await run('dlq-redrive', { arguments: [id], options: { 'dry-run': true } })
    assert.deepEqual([dry.status, dry.body.result.letters.length], [200, 1])
    for (const [command, call] of [
      ['dlq-redrive', { arguments: [id] }],
      ['dlq-discard', { options: { all: true, yes: true } }],
      ['reconcile', { options: { repair: true } }],
    ] as const) {
      const { status, body } = await run(command, call)
      assert.equal(status, 403, command)
      assert.match(body.detail, /OPERATOR_PAGE=act/)
    }
    assert.deepEqual([await broker.depth(dlq), await broker.depth(queue)], [1, 0])
    assert.ok(!lines.some(({ msg = '' }) => msg.includes('operator')))
  })

  it('acts if it was started to, and logs who has done what', async () => {
    const [one, other] = [randomUUIDv7(), randomUUIDv7()]
    await bury(one, other)
    const auth = {
      ...{ AUTH_MODE: 'jwt', JWT_ISSUER: issuer, JWT_AUDIENCE: audience },
      JWT_PUBLIC_KEY: JSON.stringify(key.publicKey.export({ format: 'jwk' })),
    }
    const { run, lines } = await start({ canAct: true, auth })
    const token = await tokenOf(key, 'olga', { scope: 'operator' })
    const headers = { Authorization: `Bearer ${token}` }
    const redriven = await run('dlq-redrive', { arguments: [one] }, headers)
    assert.equal(redriven.body.result.letters[0].id, one)
    const discarded = await run('dlq-discard', { arguments: [other, one] }, headers)
    assert.deepEqual(discarded.body.result.missing, [one], 'gone meanwhile')
    assert.deepEqual([await broker.depth(dlq), await broker.depth(queue)], [0, 1])
    const said = lines.filter(({ msg = '' }) => msg.startsWith('an operator')) as object[]
    assert.equal(said.length, 4)
    const [before] = said as { user_id: string; command: string; arguments: string[] }[]
    assert.deepEqual(
      [before?.user_id, before?.command, before?.arguments],
      [...['olga', 'dlq-redrive', [one]]],
    )
  })

  it('with tokens lets nobody in whose token does not name the scope operator', async () => {
    const auth = {
      ...{ AUTH_MODE: 'jwt', JWT_ISSUER: issuer, JWT_AUDIENCE: audience },
      JWT_PUBLIC_KEY: JSON.stringify(key.publicKey.export({ format: 'jwk' })),
    }
    const { run, ask } = await start({ auth })
    const bearer = async (claims: object) => ({
      Authorization: `Bearer ${await tokenOf(key, 'olga', claims)}`,
    })
    for (const [headers, status] of [
      [{}, 401],
      [{ Authorization: 'Bearer none' }, 401],
      [await bearer({}), 403],
      [await bearer({ scope: 'orders payments' }), 403],
    ] as const) {
      assert.equal((await run('status', {}, headers)).status, status)
      assert.equal((await ask('/operator/api/session', { headers })).status, status)
    }
    const headers = await bearer({ scope: 'operator' })
    const { body } = await ask('/operator/api/session', { headers })
    assert.deepEqual(body, { user_id: 'olga', can_act: false })
    assert.equal((await ask('/operator/')).status, 200, 'its files say nothing')
  })

  it('answers no call that another page makes a browser send', async () => {
    const id = randomUUIDv7()
    await bury(id)
    const { run, ask, origin } = await start({ canAct: true })
    const call = { arguments: [id] }
    for (const headers of [
      { Origin: 'https://elsewhere.example' },
      { Origin: 'null' },
      { Origin: origin.replace('localhost', '127.0.0.1') },
      { 'Sec-Fetch-Site': 'cross-site' },
      { 'Sec-Fetch-Site': 'same-site' },
    ] as Record<string, string>[]) {
      assert.equal((await run('dlq-discard', call, headers)).status, 403, JSON.stringify(headers))
      assert.equal((await ask('/operator/api/session', { headers })).status, 403)
    }
    const form = { 'Content-Type': 'text/plain' }
    assert.equal((await run('dlq-discard', call, form)).status, 415)
    const get = await ask(`/operator/api/dlq-discard?arguments=${id}`)
    assert.equal(get.status, 404)
    assert.equal(await broker.depth(dlq), 1)
  })

  it('without tokens answers to the names of this machine only (DNS rebinding)', async () => {
    const { rawAsk } = await raw()
    assert.equal(await rawAsk('evil.example'), 403)
    assert.equal(await rawAsk('localhost.evil.example'), 403)
    assert.equal(await rawAsk('localhost'), 200)
    assert.equal(await rawAsk('[::1]'), 200)
  })

  /** Sends any Host, which fetch does not. */
  async function raw() {
    const { origin } = await start()
    const { request } = await import('node:http')
    const rawAsk = async (host: string) => {
      const { promise, resolve } = Promise.withResolvers<number | undefined>()
      const headers = { Host: host, Origin: `http://${host}` }
      request(`${origin}/operator/api/session`, { headers, agent: false }, (response) => {
        response.resume()
        resolve(response.statusCode)
      }).end()
      return promise
    }
    return { rawAsk }
  }

  it('says what is wrong with a call, and takes no id for an option', async () => {
    const id = randomUUIDv7()
    await bury(id)
    const { run } = await start({ canAct: true })
    for (const [command, call, status, detail] of [
      ['queue-move', {}, 404, /^The page runs status, stuck, /],
      ['dlq-discard', { options: { everything: true } }, 422, /no --everything/],
      ['dlq-discard', { options: { all: 'yes' } }, 422, /no --all yes/],
      ['dlq-discard', { options: { constructor: 'x' } }, 422, /no --constructor/],
      ['dlq-discard', { options: { all: true } }, 422, /needs --yes/],
      ['dlq-discard', {}, 422, /takes ids, --queue or --all/],
      ['reconcile', { options: { 'older-than': 'soon' } }, 422, /takes a time such as 60s/],
      ['status', { more: 1 }, 422, /invalid/],
    ] as const) {
      const answer = await run(command, call)
      assert.deepEqual([answer.status, command], [status, command])
      assert.match(answer.body.detail, detail)
    }
    const { body } = await run('dlq-discard', { arguments: ['--all', '--yes'] })
    assert.deepEqual(body.result.missing, ['--all', '--yes'])
    assert.equal(await broker.depth(dlq), 1)
  })

  it('says in words that a server is away, and shows what the others know', async () => {
    const away = await start({ env: { AMQP_URL: 'amqp://127.0.0.1:9' } })
    const status = await away.run('status')
    assert.equal(status.body.result.queues, null)
    assert.match(status.body.error, /^The broker cannot be reached/)
    const letters = await away.run('dlq-list')
    assert.equal(letters.status, 503)
    assert.match(letters.body.detail, /^The broker cannot be reached/)
    const gone = 'postgres://user:secret@127.0.0.1:9/payments_db'
    const { run, lines } = await start({ env: { PAYMENTS_DATABASE_URL: gone } })
    const { status: code, body } = await run('status')
    assert.deepEqual([code, /^The database of Payments cannot/.test(body.detail)], [503, true])
    assert.doesNotMatch(JSON.stringify([body, lines]), /secret/)
  })

  it('says that another operator is at work', async () => {
    await bury(randomUUIDv7())
    const { run } = await start()
    await withQueueBrowser(broker.url, async (other) => {
      await other.lock()
      const { status, body } = await run('dlq-list')
      assert.equal(status, 409)
      assert.match(body.detail, /^Another operator is working on the dead letters/)
    })
    assert.equal((await run('dlq-list')).status, 200)
  })

  it('serves the page and what it names under a strict policy, and no other file', async () => {
    const { ask } = await start()
    const moved = await ask('/operator')
    assert.deepEqual([moved.status, moved.response.headers.get('location')], [302, '/operator/'])
    const { text, response } = await ask('/operator/')
    const policy = response.headers.get('content-security-policy') ?? ''
    assert.match(policy, /default-src 'self'/)
    assert.doesNotMatch(policy, /unsafe/)
    assert.doesNotMatch(text, /<script>|<style|\sstyle=|\son\w+=/)
    const named = [...text.matchAll(/(?:href|src)="([^"]+)"/g)].map(([, path]) => path ?? '')
    assert.ok(named.length > 5)
    for (const path of named) {
      assert.doesNotMatch(path, /^\//, 'below wherever the page is')
      assert.equal((await ask(`/operator/${path}`)).status, 200, path)
    }
    for (const path of ['package.json', '.env', 'operator/main.ts', '%2e%2e/package.json', 'x']) {
      assert.equal((await ask(`/operator/${path}`)).status, 404, path)
    }
  })
})
