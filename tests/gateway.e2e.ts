import assert from 'node:assert/strict'
import { once } from 'node:events'
import { globSync, mkdtempSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ordersApi } from '#generator/orders.ts'
import { paymentsApi } from '#generator/payments.ts'
import { nginxProgram } from '#local/servers/nginx.ts'
import { parseScale } from '#local/stack/options.ts'
import { processPort } from '#local/stack/ports.ts'
import { removeState } from '#local/stack/remove-state.ts'
import { readSettings } from '#local/stack/settings.ts'
import { call } from '#testing/client.ts'
import { eventually } from '#testing/eventually.ts'
import { freePortBase, freePorts } from '#testing/free-ports.ts'
import { startServer } from '#testing/private-servers.ts'
import { expectProblem } from '#testing/problem.ts'

const settingsOf = (env: NodeJS.ProcessEnv, scale: string[]) =>
  readSettings(env, { scale: parseScale(scale), fromSource: false, auth: false })

describe('the gateway, before replicas that fail', function () {
  this.timeout(120_000)
  let gateway = ''
  let stop = async () => {}
  let ports: number[] = []
  const replicas: Server[] = []
  /** What reached a replica, by its method. */
  let reached: string[] = []

  before('start nginx alone', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'orders-payments-'))
    const [port = 0] = await freePorts(1)
    const base = await freePortBase()
    const env = { LOCAL_DIR: dir, LOCAL_PORT_BASE: String(base), GATEWAY_PORT: String(port) }
    const nginx = await startServer([nginxProgram(settingsOf(env, ['orders-api=2']))])
    gateway = `http://127.0.0.1:${port}`
    ports = [1, 2].map((replica) => processPort(base, 'orders-api', replica))
    stop = async () => {
      await nginx.stop()
      await removeState(dir)
    }
  })
  after('stop nginx', () => stop())
  beforeEach('forget', () => {
    reached = []
  })
  afterEach('stop the replicas', async () => {
    for (const replica of replicas.splice(0)) {
      replica.closeAllConnections()
      await new Promise((resolve) => replica.close(resolve))
    }
  })

  /** One that answers, or dies of every request that it has read. */
  async function startReplica(index: number, kind: 'answers' | 'dies'): Promise<void> {
    const replica = createServer((request, response) => {
      reached.push(`${request.method}`)
      request.resume().once('end', () => {
        if (kind === 'dies') request.socket.destroy()
        else response.writeHead(201, { 'content-type': 'application/json' }).end('{}')
      })
    })
    replica.listen(ports[index], '127.0.0.1')
    await once(replica, 'listening')
    replicas.push(replica)
  }
  const documented = false // the replicas are none of ours
  const post = () =>
    call(gateway, 'POST', '/orders', { body: { user_id: 'alice', amount: '1.00' }, documented })

  it('serves the modules of the page as scripts, without their types, and no other source', async () => {
    const get = async (path: string) => {
      const response = await fetch(new URL(path, gateway))
      return { response, text: await response.text() }
    }
    const { response, text } = await get('/client/client.ts')
    assert.equal(response.headers.get('content-type'), 'text/javascript; charset=utf-8')
    assert.match(text, /^import \{ Following/m)
    assert.doesNotMatch(text, /import type|: Promise</)
    for (const path of ['/publish.ts', '/client/retry.test.ts', '/contracts/orders-http.ts']) {
      assert.equal((await get(path)).response.status, 404, path)
    }
  })

  it('tells the page that users name themselves, and lets it call nobody else', async () => {
    const document = await (await fetch(`${gateway}/auth.json`)).json()
    assert.equal((document as { mode: string }).mode, 'off')
    assert.deepEqual(Object.keys(document as object), [
      'mode',
      'issuer',
      'client_id',
      'scope',
      'resource',
    ])
    const policy = (await fetch(gateway)).headers.get('content-security-policy') ?? ''
    assert.match(policy, /; connect-src 'self' ?;/)
  })

  it('never sends a POST to a second replica when the first may have done it', async () => {
    await startReplica(0, 'dies')
    await startReplica(1, 'dies')
    const reply = await post()
    assert.match(expectProblem(reply, 503).detail, /Idempotency-Key/)
    assert.ok(reply.headers.get('retry-after'))
    assert.deepEqual(reached, ['POST'])
  })

  it('sends a POST on when the first replica could not be reached, once', async () => {
    await startReplica(1, 'answers')
    for (let time = 0; time < 10; time++) assert.equal((await post()).status, 201)
    assert.equal(reached.length, 10)
  })

  for (const { operations } of [ordersApi, paymentsApi]) {
    for (const route of new Set(operations.map(({ route }) => route))) {
      it(`names in Allow what ${route} takes, and no more, when it refuses a method itself`, async () => {
        const methods = operations.filter((one) => one.route === route).map(({ method }) => method)
        const allowed = methods.flatMap((method) => (method === 'get' ? ['GET', 'HEAD'] : ['POST']))
        for (const ending of ['', '/', '?a=/topup']) {
          const path = `${route.replaceAll(/\{\w+\}/g, 'x')}${ending}`
          const reply = await call(gateway, 'PROPFIND', path, { documented })
          expectProblem(reply, 405)
          const allow = (reply.headers.get('allow') ?? '').split(', ')
          assert.deepEqual(allow.sort(), allowed.toSorted(), path)
        }
      })
    }
  }

  it('asks the second replica what it may ask twice', async () => {
    await startReplica(0, 'dies')
    await startReplica(1, 'answers')
    const statuses: number[] = []
    await eventually(async () => {
      statuses.push((await call(gateway, 'GET', '/orders?user_id=alice', { documented })).status)
      return reached.length > statuses.length // one of them was asked of both
    })
    assert.deepEqual([...new Set(statuses)], [201])
  })
})

describe('the gateway, with a rate limit', function () {
  this.timeout(120_000)
  const dir = mkdtempSync(join(tmpdir(), 'orders-payments-'))
  let gateway = ''
  let pageDir = ''
  let stop = async () => {}

  before('start nginx alone', async () => {
    const [port = 0] = await freePorts(1)
    const ports = { LOCAL_PORT_BASE: String(await freePortBase()), GATEWAY_PORT: String(port) }
    const env = { ...ports, LOCAL_DIR: dir, RATE_LIMIT_PER_SECOND: '1' }
    const settings = settingsOf(env, [])
    const nginx = await startServer([nginxProgram(settings)])
    gateway = `http://127.0.0.1:${port}`
    pageDir = join(settings.paths.sharedDir, 'nginx', 'page')
    stop = nginx.stop
  })
  after('stop nginx', async () => {
    await stop()
    await removeState(dir)
  })

  const statusesOf = async (paths: string[]) => {
    const replies = await Promise.all(paths.map((path) => fetch(new URL(path, gateway))))
    await Promise.all(replies.map((reply) => reply.text()))
    return new Set(replies.map(({ status }) => status))
  }

  it('does not count the files of the page, which a browser asks for all at once', async () => {
    const files = globSync('**/*.{css,js,ts,svg,woff2}', { cwd: pageDir })
    assert.ok(files.length > 40)
    assert.deepEqual([...(await statusesOf([...files, 'auth.json']))], [200])
  })

  for (const path of ['/', '/orders', '/accounts/any', '/orders/none.js', '/none']) {
    it(`counts ${path}`, async () => {
      assert.ok((await statusesOf(Array(10).fill(path))).has(429))
    })
  }
})

describe("the gateway, before the operator's page", function () {
  this.timeout(120_000)
  const jwt = {
    ...{ AUTH_MODE: 'jwt', JWT_JWKS_URL: 'https://issuer.example/jwks.json' },
    ...{ JWT_ISSUER: 'https://issuer.example', JWT_AUDIENCE: 'orders-payments' },
  }
  let asked: string[] = []
  let pagePort = 0
  const page = createServer((request, response) => {
    asked.push(`${request.method} ${request.url} of ${request.headers.host}`)
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
  })
  before('start what stands for the page', async () => {
    page.listen(0, '127.0.0.1')
    await once(page, 'listening')
    pagePort = (page.address() as { port: number }).port
  })
  beforeEach(() => {
    asked = []
  })
  after(() => {
    page.closeAllConnections()
    page.close()
  })

  /** nginx alone, while `act` runs. */
  async function withGateway(more: NodeJS.ProcessEnv, act: (gateway: string) => Promise<void>) {
    const dir = mkdtempSync(join(tmpdir(), 'orders-payments-'))
    const [port = 0] = await freePorts(1)
    const ports = { LOCAL_PORT_BASE: String(await freePortBase()), GATEWAY_PORT: String(port) }
    const env = { LOCAL_DIR: dir, ...ports, OPERATOR_PAGE_PORT: String(pagePort), ...more }
    const nginx = await startServer([nginxProgram(settingsOf(env, []))])
    try {
      await act(`http://127.0.0.1:${port}`)
    } finally {
      await nginx.stop()
      await removeState(dir)
    }
  }
  const statusOf = async (url: string, init?: RequestInit) => (await fetch(url, init)).status

  it('leads there where it is switched on and tokens say who calls, with the host as it was', async () => {
    await withGateway({ ...jwt, OPERATOR_PAGE: 'look' }, async (gateway) => {
      assert.equal(await statusOf(`${gateway}/operator/`), 200)
      const body = '{}'
      assert.equal(await statusOf(`${gateway}/operator/api/status`, { method: 'POST', body }), 200)
      const { host } = new URL(gateway)
      assert.deepEqual(asked, [`GET /operator/ of ${host}`, `POST /operator/api/status of ${host}`])
      assert.equal(await statusOf(`${gateway}/operator//api`), 404)
      assert.equal(await statusOf(`${gateway}/operators`), 404)
    })
  })

  for (const [what, env] of [
    ['is not switched on', jwt],
    ['is switched on while callers name themselves', { OPERATOR_PAGE: 'act' }],
  ] as const) {
    it(`knows no such page where it ${what}`, async () => {
      await withGateway(env, async (gateway) => {
        for (const path of ['/operator', '/operator/', '/operator/api/session']) {
          expectProblem(await call(gateway, 'GET', path, { documented: false }), 404)
        }
      })
      assert.deepEqual(asked, [])
    })
  }
})
