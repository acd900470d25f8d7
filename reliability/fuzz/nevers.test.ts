import assert from 'node:assert/strict'
import {
  broken,
  type HttpSeen,
  httpNevers,
  type MessageSeen,
  messageNevers,
  type SocketSeen,
  socketNevers,
  stopped,
} from './nevers.ts'

const problem = (status: number, type: string, title: string, more: object = {}) => ({
  status,
  headers: { 'content-type': 'application/problem+json', 'x-request-id': 'r1' },
  body: JSON.stringify({ type: `/problems/${type}`, title, status, detail: 'd', instance: 'r1', ...more }), // biome-ignore format: one line
  size: 300,
})
const notFound = problem(404, 'not-found', 'Not found')

const http: HttpSeen = {
  sent: 'GET /accounts/nobody HTTP/1.1\r\n\r\n',
  ...{ answers: [notFound], rest: '', isClosed: true, secrets: ['777.77'] },
}
const answered = (answer: object): HttpSeen => ({ ...http, answers: [{ ...notFound, ...answer }] })

const badHttp: Record<keyof typeof httpNevers, HttpSeen[]> = {
  'answers with 5xx': [{ ...http, answers: [problem(500, 'internal', 'Internal error')] }],
  'answers as no document says': [
    { ...http, answers: [problem(409, 'conflict', 'Conflict')] },
    { ...http, answers: [problem(404, 'lost', 'Lost')] },
    { ...http, answers: [problem(404, 'not-found', 'Lost')] },
    { ...http, answers: [problem(404, 'not-found', 'Not found', { instance: 'r2' })] },
    { ...http, answers: [problem(404, 'not-found', 'Not found', { more: 1 })] },
    { ...http, answers: [problem(401, 'unauthorized', 'Unauthorized')] },
    { ...http, answers: [problem(405, 'method-not-allowed', 'Method not allowed')] },
    answered({ headers: { 'content-type': 'text/html' } }),
    answered({ body: '<html>' }),
    answered({ body: '"\xff"' }),
    answered({ status: 200, headers: { 'content-type': 'application/json' }, body: '{"a":1}' }),
  ],
  'answers with what is no HTTP': [{ ...http, rest: 'hello' }],
  'answers with much more than was asked': [answered({ size: 10_000 })],
  "tells another user's data": [
    answered({ body: notFound.body.replace('"d"', '"777.77"') }),
    answered({ headers: { ...notFound.headers, location: '/777.77' } }),
  ],
  'keeps a connection open for ever': [{ ...http, isClosed: false }],
}

const error = (status: number) =>
  JSON.stringify({ type: 'error', problem: JSON.parse(problem(status, 'bad-request', 'x').body) })
const socket: SocketSeen = {
  ...{ sent: 'x', messages: 1, rest: '', isClosed: true, secrets: ['777.77'] },
  received: [
    { opcode: 1, payload: error(400) },
    { opcode: 8, payload: '\x03\xe8' },
  ],
}
const told = (payload: string, opcode = 1): SocketSeen => ({
  ...socket,
  received: [{ opcode, payload }],
})

const badSockets: Record<keyof typeof socketNevers, SocketSeen[]> = {
  'refuses a handshake that is right': [{ ...socket, received: undefined }],
  'answers with 5xx': [told(error(500))],
  'answers as no document says': [told('{"type":"error"}'), told('{"type":"order"}'), told('x')],
  'closes with a code that nobody knows': [told('\x03\xf3', 8), told('\x03\xee', 8)],
  'answers with what is no frame': [{ ...socket, rest: '\x01' }],
  'answers with much more than was asked': [told(error(400).padEnd(4_000))],
  "tells another user's data": [told(error(400).replace('"d"', '"777.77"'))],
  'keeps a connection open for ever': [{ ...socket, isClosed: false }],
}

const letter = { content: 'x', reason: 'not-json', error: 'the message is not JSON' }
const message: MessageSeen = { content: 'x', letters: [letter], isHandled: false, isEvent: false }
const setAside = (one: Partial<typeof letter>) => ({ ...message, letters: [{ ...letter, ...one }] })

const badMessages: Record<keyof typeof messageNevers, MessageSeen[]> = {
  'loses a message': [{ ...message, letters: [] }],
  'handles what is no event': [{ ...message, letters: [], isHandled: true }],
  'sets an event aside for a reason that nobody knows': [setAside({ reason: 'undefined' })],
  'changes a message that it sets aside': [setAside({ content: 'y' })],
  'says much more of it than it holds': [setAside({ error: 'x'.repeat(1_001) })],
}

const namesOf = (complaints: string[]) => complaints.map((one) => one.split(':')[0])

describe('the nevers of the fuzzer', () => {
  it('say nothing of what is right', () => {
    assert.deepEqual(broken(httpNevers, http), [])
    assert.deepEqual(broken(socketNevers, socket), [])
    assert.deepEqual(broken(messageNevers, message), [])
    const handled = { ...message, letters: [], isHandled: true, isEvent: true }
    assert.deepEqual(broken(messageNevers, handled), [])
  })

  for (const [name, all] of Object.entries(badHttp)) {
    it(`HTTP: tell when the system ${name}`, () => {
      for (const seen of all) assert.ok(namesOf(broken(httpNevers, seen)).includes(name))
    })
  }
  for (const [name, all] of Object.entries(badSockets)) {
    it(`WebSocket: tell when the system ${name}`, () => {
      for (const seen of all) assert.ok(namesOf(broken(socketNevers, seen)).includes(name))
    })
  }
  for (const [name, all] of Object.entries(badMessages)) {
    it(`AMQP: tell when the system ${name}`, () => {
      for (const seen of all) assert.ok(namesOf(broken(messageNevers, seen)).includes(name))
    })
  }

  it('have a case each', () => {
    assert.deepEqual(Object.keys(badHttp), Object.keys(httpNevers))
    assert.deepEqual(Object.keys(badSockets), Object.keys(socketNevers))
    assert.deepEqual(Object.keys(badMessages), Object.keys(messageNevers))
  })

  it('tell of a process that has another pid, or none', () => {
    assert.deepEqual(stopped({ a: 1, b: 2 }, { a: 1, b: 2 }), [])
    assert.deepEqual(stopped({ a: 1, b: 2, c: 3 }, { a: 1, b: 9 }).length, 2)
  })
})
