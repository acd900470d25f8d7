import assert from 'node:assert/strict'
import { request } from 'node:http'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import Router from '@koa/router'
import { EnvironmentError } from '#chassis/errors.ts'
import { failureColumn } from '#testing/failure-table.ts'
import { recordingLogger, silent } from '#testing/logger.ts'
import { useResources } from '#testing/resources.ts'
import { readJson } from './body.ts'
import { Health } from './health.ts'
import { onFailure } from './problem.ts'
import { serve } from './server.ts'

interface Asked {
  method?: string
  headers?: Record<string, string>
  body?: string | Buffer
}

describe('serve', () => {
  const use = useResources()

  it('treats each failure as ARCHITECTURE.md says', () => {
    const statuses = Object.entries(onFailure).map(([name, status]) => [name, String(status)])
    assert.deepEqual(Object.fromEntries(statuses), failureColumn('HTTP'))
  })

  /** A process with an API of one route, which does what it is told. */
  async function start(
    route: (body: unknown) => unknown = (body) => ({ body }),
    health = new Health(),
    logger = silent,
  ) {
    const router = new Router()
    router.post('/things', async (ctx) => {
      ctx.body = await route(await readJson(ctx))
    })
    const http = use(await serve({ host: '127.0.0.1', port: 0, health, logger, router }))
    const { port } = http.server.address() as { port: number }
    const ask = async (path: string, { method = 'GET', headers = {}, body }: Asked = {}) => {
      const asking = request({ port, path, method, headers, agent: false })
      asking.end(body)
      const { promise, resolve, reject } =
        Promise.withResolvers<import('node:http').IncomingMessage>()
      asking.on('response', resolve).on('error', reject)
      const response = await promise
      const said = await text(response)
      return {
        status: response.statusCode,
        headers: response.headers,
        body: said && JSON.parse(said),
      }
    }
    const post = (body: string | Buffer, headers: Record<string, string> = {}) =>
      ask('/things', {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', ...headers },
        body,
      })
    return { ...http, port, ask, post }
  }

  it('answers with what the route made of the body', async () => {
    const { post } = await start()
    assert.deepEqual((await post('{"a":"b"}')).body, { body: { a: 'b' } })
  })

  for (const headers of [
    { 'Content-Type': 'Application/JSON; Charset=UTF-8' },
    { 'Content-Type': 'application/json;charset="utf-8"; profile=x' },
    { 'Content-Encoding': 'Identity' },
    { 'Content-Encoding': 'identity, IDENTITY' },
    { 'Content-Encoding': '' },
  ]) {
    it(`takes a body with ${JSON.stringify(headers)}`, async () => {
      const { post } = await start()
      assert.equal((await post('{}', headers as Record<string, string>)).status, 200)
    })
  }

  it('says in 415 what it takes instead', async () => {
    const { post } = await start()
    const text = await post('{}', { 'Content-Type': 'text/plain' })
    assert.deepEqual([text.status, text.headers.accept], [415, 'application/json'])
    const zipped = await post('{}', { 'Content-Encoding': 'GZIP' })
    assert.deepEqual([zipped.status, zipped.headers['accept-encoding']], [415, 'identity'])
    assert.match(zipped.body.detail, /Content-Encoding/)
    assert.equal(zipped.body.title, text.body.title)
  })

  it('leaves it to who ends TLS to bind a domain to it', async () => {
    const { ask } = await start()
    assert.equal((await ask('/nowhere')).headers['strict-transport-security'], undefined)
  })

  for (const [what, body, headers, status] of [
    ['half a body', '{"a":', {}, 400],
    ['an empty body', '', {}, 400],
    ['two documents', '{} {}', {}, 400],
    ['a key twice', '{"a":1,"a":2}', {}, 400],
    ['a byte order mark', '\ufeff{}', {}, 400],
    ['bytes that are not UTF-8', Buffer.from([0x22, 0xff, 0x22]), {}, 400],
    ['absurd nesting', '['.repeat(30_000), {}, 400],
    ['65537 bytes', JSON.stringify('x'.repeat(65_535)), {}, 413],
    ['another type of content', '{}', { 'Content-Type': 'text/plain' }, 415],
    ['a form', 'a=1', { 'Content-Type': 'application/x-www-form-urlencoded' }, 415],
    ['another charset', '{}', { 'Content-Type': 'application/json; charset=latin1' }, 415],
    ['a compressed body', '{}', { 'Content-Encoding': 'gzip' }, 415],
  ] as const) {
    it(`says ${status} to ${what}, as a problem document`, async () => {
      const { post } = await start()
      const answer = await post(body, { ...headers })
      assert.equal(answer.status, status)
      assert.match(answer.headers['content-type'] ?? '', /^application\/problem\+json/)
      assert.equal(answer.body.status, status)
      for (const field of ['type', 'title', 'detail']) assert.ok(answer.body[field], field)
      assert.equal(answer.body.instance, answer.headers['x-request-id'])
    })
  }

  it('says 400 to a call without any body that says it has JSON', async () => {
    const { server } = await start()
    const { port } = server.address() as { port: number }
    const socket = connect(port) // a client of Node would say that the body has 0 bytes
    socket.end('POST /things HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n\r\n')
    assert.match(await text(socket), /^HTTP\/1.1 400 /)
  })

  it('takes a body of 65536 bytes', async () => {
    const { post } = await start(() => ({}))
    assert.equal((await post(JSON.stringify('x'.repeat(65_534)))).status, 200)
  })

  it('says 404 to an unknown address and 405, with Allow, to a wrong method', async () => {
    const { ask } = await start()
    assert.equal((await ask('/nowhere')).status, 404)
    const wrong = await ask('/things', { method: 'DELETE' })
    assert.deepEqual([wrong.status, wrong.headers.allow], [405, 'POST'])
    assert.equal((await ask('/things', { method: 'PROPFIND' })).status, 405)
  })

  it('refuses a request without a Host with a problem, and lets HTTP/1.0 do without', async () => {
    const { port } = await start()
    const send = async (version: string) => {
      const socket = connect(port, '127.0.0.1')
      socket.write(`GET /livez HTTP/${version}\r\nConnection: close\r\n\r\n`)
      return text(socket)
    }
    assert.match(await send('1.1'), /^HTTP\/1\.1 400 .*"detail":"The request has no Host\."/s)
    assert.match(await send('1.0'), /^HTTP\/1\.1 200 /)
  })

  it('says 404 to any method where there is no path, and 405 with Allow where there is one', async () => {
    const { ask } = await start()
    for (const method of ['GET', 'DELETE', 'PROPFIND']) {
      assert.equal((await ask('/nothing', { method })).status, 404)
      const { status, headers } = await ask('/things', { method })
      assert.deepEqual([status, headers.allow], [405, 'POST'])
    }
  })

  it('answers an expectation that it does not know as if it were not there', async () => {
    const { post } = await start()
    assert.deepEqual((await post('{"a":1}', { Expect: 'more' })).status, 200)
    assert.deepEqual((await post('{"a":', { Expect: 'more' })).body.type, '/problems/bad-request')
  })

  it('logs an outage once, and not for each request; an unexpected error each time, with its request', async () => {
    const { logger, lines } = recordingLogger()
    let error: Error = new EnvironmentError('unavailable', 'away', { cause: new Error('refused') })
    const route = () => {
      throw error
    }
    const { post } = await start(route, new Health(), logger)
    const loud = () => lines.filter((line) => (line as { level?: number }).level !== 20)
    for (let times = 0; times < 50; times++) assert.equal((await post('{}')).status, 503)
    const said = loud().filter(({ msg }) => msg !== 'listening')
    assert.deepEqual(
      said.map(({ msg }) => msg),
      ['requests are answered with 503, will retry'],
    )
    error = new TypeError('a bug')
    const ids = ['one', 'two']
    for (const id of ids) await post('{}', { 'X-Request-Id': id })
    const bugs = loud().slice(-2) as { request_id?: string; err?: { message: string } }[]
    assert.deepEqual(
      bugs.map(({ request_id }) => request_id),
      ids,
    )
    assert.ok(bugs.every(({ err }) => err?.message === 'a bug'))
  })

  it('says 503, when to come back and what to do, to an outage', async () => {
    for (const code of ['unavailable', 'conflict'] as const) {
      const { post } = await start(() => {
        throw new EnvironmentError(code, 'secret server is away')
      })
      const answer = await post('{}')
      assert.deepEqual([answer.status, answer.headers['retry-after']], [503, '1'])
      assert.match(answer.body.detail, /same Idempotency-Key/)
      assert.doesNotMatch(JSON.stringify(answer.body), /secret/)
    }
  })

  it('says 500 to a bug, and shows nothing of it', async () => {
    const { post } = await start(() => {
      throw new TypeError('the password is secret')
    })
    const answer = await post('{}')
    assert.equal(answer.status, 500)
    assert.doesNotMatch(JSON.stringify(answer.body), /secret|TypeError/)
  })

  it('names a request as the gateway did, unless that is no name', async () => {
    const { ask } = await start()
    const idFor = async (given: string) => {
      const { headers } = await ask('/nowhere', { headers: { 'X-Request-Id': given } })
      return headers['x-request-id']
    }
    assert.equal(await idFor('abc-1'), 'abc-1')
    for (const strange of ['a b', '<script>', 'x'.repeat(129)]) {
      assert.match(String(await idFor(strange)), /^[0-9a-f-]{36}$/)
    }
  })

  it('is alive, and ready when every check passes', async () => {
    const health = new Health()
    let isUp = false
    health.check('database', () => isUp)
    health.check('broker', () => (isUp ? undefined : Promise.reject(new Error('away'))))
    const { ask } = await start(undefined, health)
    assert.equal((await ask('/livez')).status, 200)
    const unready = await ask('/readyz')
    assert.equal(unready.status, 503)
    assert.deepEqual(unready.body, {
      status: 'not ready',
      failing: ['database', 'broker'],
      reasons: { database: 'no', broker: 'away' },
    })
    isUp = true
    assert.equal((await ask('/readyz')).status, 200)
  })

  it('is not ready when a check does not answer', async () => {
    const health = new Health()
    health.check('stuck', () => new Promise(() => {}))
    const { ask } = await start(undefined, health)
    const { body } = await ask('/readyz')
    assert.deepEqual(body.reasons, { stuck: 'no answer within 2 s' })
  })

  it('answers what is under way before it closes, and takes no more', async () => {
    const gate = Promise.withResolvers<void>()
    const begun = Promise.withResolvers<void>()
    const { post, close } = await start(async () => {
      begun.resolve()
      await gate.promise
      return { done: true }
    })
    const answer = post('{}')
    await begun.promise
    const closed = close()
    await assert.rejects(post('{}'), /ECONNREFUSED/)
    gate.resolve()
    assert.deepEqual((await answer).body, { done: true })
    await closed
  })
})
