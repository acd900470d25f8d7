import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { problemHead, problemTypeOf } from '#contracts/problem-types.ts'
import { nginxProgram } from '#local/servers/nginx.ts'
import { parseScale } from '#local/stack/options.ts'
import { processPort } from '#local/stack/ports.ts'
import { removeState } from '#local/stack/remove-state.ts'
import { readSettings } from '#local/stack/settings.ts'
import { freePortBase, freePorts } from '#testing/free-ports.ts'
import { startServer } from '#testing/private-servers.ts'
import { exchange, type RawAnswer } from '#testing/raw-http.ts'

const host = 'Host: shop.example\r\n'
const json = 'Content-Type: application/json\r\n'
const get = (headers = '', target = '/orders') => `GET ${target} HTTP/1.1\r\n${host}${headers}\r\n`
const post = (headers: string, body: string) =>
  `POST /orders HTTP/1.1\r\n${host}${json}${headers}\r\n${body}`
const chunked = 'Transfer-Encoding: chunked\r\n'
const chunks = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n0\r\n\r\n`

/** What is refused by the gateway, by the status of its problem: no byte of it reaches an API. */
const refused: [status: 400 | 404 | 405 | 412 | 413 | 414 | 431, what: string, bytes: string][] = [
  [400, 'a target that is no path, asked for with HEAD', `HEAD * HTTP/1.1\r\n${host}\r\n`],
  ...['GET', 'POST', 'OPTIONS'].map((method): (typeof refused)[number] => {
    return [400, `the target * with ${method}`, `${method} * HTTP/1.1\r\n${host}\r\n`]
  }),
  [400, 'CONNECT', `CONNECT api:1 HTTP/1.1\r\n${host}\r\n`],
  [400, 'a method in small letters', `get /orders HTTP/1.1\r\n${host}\r\n`],
  [400, 'a target without a slash', get('', 'orders')],
  [400, 'a target above the root', get('', '/../orders')],
  [400, 'a space in the target', get('', '/orders x')],
  [400, 'a broken percent-encoding', get('', '/orders/%ZZ')],
  [400, 'a percent-encoded NUL', get('', '/orders/%00')],
  [400, 'a NUL in the target', get('', '/orders/\0')],
  [400, 'no Host', 'GET /orders HTTP/1.1\r\n\r\n'],
  [400, 'two Hosts', get(host)],
  [400, 'a Host that is none', 'GET /orders HTTP/1.1\r\nHost: a/b\r\n\r\n'],
  [400, 'another version of HTTP', `GET /orders HTTP/2.0\r\n${host}\r\n`],
  [400, 'the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
  [400, 'a TLS handshake', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n'],
  [400, 'two equal Content-Lengths', post('Content-Length: 2\r\nContent-Length: 2\r\n', '{}')],
  [400, 'two Content-Lengths', post('Content-Length: 2\r\nContent-Length: 4\r\n', '{}{}')],
  [400, 'a list of Content-Lengths', post('Content-Length: 2, 2\r\n', '{}')],
  ...['-1', '+2', '0x2', '2 2', '99999999999999999999'].map((length): (typeof refused)[number] => {
    return [400, `the Content-Length ${length}`, post(`Content-Length: ${length}\r\n`, '{}')]
  }),
  [400, 'Content-Length and chunks', post(`Content-Length: 2\r\n${chunked}`, chunks('{}'))],
  [400, 'chunks and Content-Length', post(`${chunked}Content-Length: 12\r\n`, chunks('{}'))],
  ...['xchunked', 'chunked, chunked', 'gzip, chunked', 'identity', '\x0bchunked', '"chunked"'].map(
    (coding): (typeof refused)[number] => [
      400,
      `the Transfer-Encoding ${JSON.stringify(coding)}`,
      post(`Transfer-Encoding: ${coding}\r\n`, chunks('{}')),
    ],
  ),
  [400, 'one Transfer-Encoding twice', post(chunked.repeat(2), chunks('{}'))],
  [400, 'two Transfer-Encodings', post(`${chunked}Transfer-Encoding: x\r\n`, chunks('{}'))],
  [400, 'chunks in HTTP/1.0', `POST /orders HTTP/1.0\r\n${json}${chunked}\r\n${chunks('{}')}`],
  [400, 'a size of a chunk that is none', post(chunked, 'zz\r\n{}\r\n0\r\n\r\n')],
  [400, 'a size of a chunk beyond all numbers', post(chunked, `${'f'.repeat(17)}\r\n{}\r\n`)],
  [400, 'a folded header', get('X-A: b\r\n c\r\n')],
  [400, 'a folded first header', `GET /orders HTTP/1.1\r\n X-A: b\r\n${host}\r\n`],
  [400, 'a folded Transfer-Encoding', post('Transfer-Encoding:\r\n chunked\r\n', '')],
  [400, 'a space before the colon', post('Transfer-Encoding : chunked\r\n', '')],
  [400, 'a carriage return in a header', get('X-A: b\rX-B: c\r\n')],
  [400, 'a NUL in a header', get('X-A: b\0c\r\n')],
  [404, 'two slashes before a WebSocket', get('Upgrade: websocket\r\n', '//orders/ws')],
  [404, 'a path that goes back', get('', '/orders/../livez')],
  [404, 'a path that goes back in an absolute target', get('', 'http://x/orders/../livez')],
  [404, 'an encoded slash', get('', '/orders%2fws')],
  [404, 'the page of the problems itself', get('', '/_problem')],
  [405, 'TRACE', `TRACE /orders HTTP/1.1\r\n${host}\r\n`],
  [405, 'a method that nobody knows', `FOO /orders HTTP/1.1\r\n${host}\r\n`],
  [412, 'a page in another version', get('If-Match: "x"\r\n', '/')],
  [413, 'a body over 64 KiB by its length', post('Content-Length: 65537\r\n', '')],
  [413, 'a body over 64 KiB that is asked about', post('Expect: 100-continue\r\nContent-Length: 65537\r\n', '')], // biome-ignore format: one line
  [413, 'chunks over 64 KiB', post(chunked, chunks('x'.repeat(65_537)))],
  [414, 'a target over 8 KiB', get('', `/orders?${'x'.repeat(9_000)}`)],
  [431, 'a header over 8 KiB', get(`X-A: ${'x'.repeat(9_000)}\r\n`)],
  [431, 'headers over 32 KiB', get(`X-A: ${'x'.repeat(7_000)}\r\n`.repeat(5))],
  [431, 'thousands of headers', get('X-A: b\r\n'.repeat(5_000))],
]

/** What is made harmless: what the API reads of it, without the headers that the gateway writes. */
const passed: [what: string, bytes: string, reached: string][] = [
  ['chunks', post(chunked, chunks('{}')), `POST /orders HTTP/1.1\r\nContent-Length: 2\r\n${json}\r\n{}`], // biome-ignore format: one line
  ['extensions and trailers of chunks', post(chunked, '2;a="b"\r\n{}\r\n0\r\nHost: evil\r\n\r\n'), `POST /orders HTTP/1.1\r\nContent-Length: 2\r\n${json}\r\n{}`], // biome-ignore format: one line
  ['line feeds alone', `GET /orders HTTP/1.1\n${host.trim()}\nX-A: b\n\n`, get('X-A: b\r\n')],
  ['an absolute target', get('', 'http://evil.example/orders'), get()],
  ['an underscore in a name', get('Content_Length: 9\r\n'), get()],
  ['a header without a colon', get('X-A\r\n'), get('X-A: \r\n')],
  ['another protocol', get('Connection: Upgrade\r\nUpgrade: h2c\r\n', '/orders/ws'), get('', '/orders/ws')], // biome-ignore format: one line
  ['a WebSocket and another protocol', get('Connection: Upgrade\r\nUpgrade: websocket, h2c\r\n', '/orders/ws'), get('', '/orders/ws')], // biome-ignore format: one line
  ['a WebSocket where there is none', get('Connection: Upgrade\r\nUpgrade: websocket\r\n'), get()],
  ['headers that Connection names', get('Connection: X-Request-Id, Host\r\n'), get()],
  ['who it is that asks', get('X-Forwarded-Host: evil\r\nX-Real-IP: 1.2.3.4\r\nForwarded: for=1.2.3.4\r\n'), get()], // biome-ignore format: one line
  ['HTTP/1.0', `GET /orders HTTP/1.0\r\n${host}\r\n`, get()],
].map(([what = '', bytes = '', reached = '']) => [what, bytes, reached.replace(host, '')])

describe('requests on raw sockets, at the gateway', function () {
  this.timeout(120_000)
  const dir = mkdtempSync(join(tmpdir(), 'orders-payments-'))
  let gateway = ''
  let rateLimited = ''
  const stops: (() => Promise<unknown>)[] = []
  const upstreams: Server[] = []
  /** What came to either API, byte by byte. */
  let reached = ''

  before(
    'start nginx with and without a rate limit, and what records instead of the APIs',
    async () => {
      const start = async (name: string, env: NodeJS.ProcessEnv) => {
        const [port = 0] = await freePorts(1)
        const base = await freePortBase()
        const ports = { LOCAL_PORT_BASE: String(base), GATEWAY_PORT: String(port) }
        const scale = { scale: parseScale([]), fromSource: false, auth: false }
        const settings = readSettings({ LOCAL_DIR: join(dir, name), ...ports, ...env }, scale)
        const nginx = await startServer([nginxProgram(settings)])
        stops.push(nginx.stop)
        return { url: `http://127.0.0.1:${port}`, base }
      }
      const { url, base } = await start('plain', {})
      gateway = url
      rateLimited = (await start('limited', { RATE_LIMIT_PER_SECOND: '1' })).url
      for (const name of ['orders-api', 'payments-api'] as const) {
        const upstream = createServer(record).listen(processPort(base, name, 1), '127.0.0.1')
        await once(upstream, 'listening')
        upstreams.push(upstream)
      }
    },
  )
  after(async () => {
    for (const upstream of upstreams) upstream.close()
    for (const stop of stops) await stop()
    await removeState(dir)
  })
  beforeEach(() => {
    reached = ''
  })

  /** Answers each request when its head is there, and closes the connection. */
  function record(socket: Socket): void {
    let received = ''
    socket.on('error', () => {})
    socket.on('data', (chunk) => {
      received += chunk.toString('latin1')
      reached += chunk.toString('latin1')
      const length = Number(/\r\ncontent-length: (\d+)/i.exec(received)?.[1] ?? 0)
      const end = received.indexOf('\r\n\r\n')
      if (end === -1 || received.length < end + 4 + length) return
      socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}')
    })
  }

  function assertProblem({ status, headers, body }: RawAnswer, expected: number): void {
    assert.equal(status, expected, body)
    assert.equal(headers['content-type'], 'application/problem+json')
    if (body === '') return // to HEAD
    const problem = JSON.parse(body)
    const head = problemHead(problemTypeOf(expected as 400))
    assert.deepEqual({ ...head, ...problem }, problem)
    assert.equal(problem.instance, headers['x-request-id'])
  }

  for (const [status, what, bytes] of refused) {
    it(`${what}: ${status}, as a problem, and nothing reaches an API`, async () => {
      const { answers, rest } = await exchange(gateway, bytes)
      assert.equal(answers.length, 1, rest)
      assertProblem(answers[0] as RawAnswer, status)
      assert.equal(rest, '')
      assert.equal(reached, '')
      if (status === 405) assert.match(answers[0]?.headers.allow ?? '', /GET/)
    })
  }

  for (const [what, bytes, expected] of passed) {
    it(`${what}: reaches the API as one harmless request`, async () => {
      const { answers } = await exchange(gateway, bytes)
      assert.deepEqual([answers.length, answers[0]?.status], [1, 200])
      const own = /^(?:Host|X-Request-Id|X-Forwarded-For|X-Forwarded-Proto): .*\r\n/gim
      assert.equal(reached.replace(own, ''), expected)
      assert.equal(reached.match(own)?.length, 4)
      assert.match(reached, /^X-Forwarded-For: 127\.0\.0\.1\r$/m)
    })
  }

  it('no API: 503, and too many requests: 429, as problems, with Retry-After', async () => {
    const ends = await Promise.all(Array.from({ length: 10 }, () => exchange(rateLimited, get())))
    const answers = ends.flatMap(({ answers }) => answers)
    assert.equal(answers.length, 10)
    for (const expected of [429, 503]) {
      const found = answers.find(({ status }) => status === expected)
      assertProblem(found ?? assert.fail(`none is answered with ${expected}`), expected)
      assert.equal(found?.headers['retry-after'], '1')
    }
  })

  it('half a head, half a body, half a chunk: closed in time without an answer, as nginx does', async () => {
    const halves = [
      ...[get().slice(0, -4), post('Content-Length: 20\r\n', '{}'), post(chunked, '5\r\n{}')],
      '',
    ]
    const ends = await Promise.all(halves.map((bytes) => exchange(gateway, bytes)))
    for (const { answers, isClosed } of ends) {
      assert.deepEqual(answers, [])
      assert.ok(isClosed)
    }
    assert.equal(reached, '')
  })
})
