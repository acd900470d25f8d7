import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { eventually } from './eventually.ts'
import { type Proxy as FaultProxy, proxyTo } from './proxy.ts'

describe('the fault proxy', () => {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.on('data', (data) => socket.write(`<${data}>`)) // an echo in brackets: what came up, comes down
  })
  let proxy: FaultProxy
  let sockets: Socket[] = []

  before(async () => {
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
  })
  beforeEach(async () => {
    proxy = await proxyTo(`tcp://127.0.0.1:${(server.address() as { port: number }).port}/`)
  })
  afterEach(() => {
    for (const socket of sockets) socket.destroy()
    sockets = []
    proxy.close()
  })
  after(() => server.close())

  const open = (name: string) => {
    const socket = connect(Number(new URL(proxy.url).port), '127.0.0.1')
    sockets.push(socket)
    const client = { socket, heard: '', ended: '' }
    socket.on('data', (data) => {
      client.heard += data
    })
    socket.on('error', (error: NodeJS.ErrnoException) => {
      client.ended = error.code ?? ''
    })
    socket.on('close', () => {
      client.ended ||= 'closed'
    })
    socket.write(name)
    return client
  }

  it('passes on what is said', async () => {
    const a = open('a')
    await eventually(() => a.heard === '<a>')
  })

  it('holds back one way of the connections that are meant, present and new, until restored', async () => {
    const [a, b] = [open('a'), open('b')]
    await eventually(() => a.heard === '<a>' && b.heard === '<b>')
    const restore = proxy.disturb({ silent: ['down'] }, ({ label }) => label.startsWith('a'))
    const c = open('a new one')
    a.socket.write('A')
    b.socket.write('B')
    await eventually(() => b.heard === '<b><B>')
    assert.deepEqual([a.heard, c.heard], ['<a>', ''])
    restore()
    await eventually(() => a.heard === '<a><A>' && c.heard === '<a new one>')
  })

  it('hides the end of a silent connection, and says when its client has left', async () => {
    const a = open('a')
    await eventually(() => a.heard === '<a>')
    const [connection] = proxy.connections()
    proxy.freeze()
    const left = connection!.left()
    a.socket.resetAndDestroy() // an error first, and then closed
    await left
    assert.equal(proxy.connections().length, 1) // the server still believes in it
    const b = open('b')
    await eventually(() => b.heard === '<b>')
  })

  it('delays, cuts into pieces, and keeps the order', async () => {
    const a = open('a')
    await eventually(() => a.heard === '<a>')
    proxy.disturb({ delayMs: 50, jitterMs: 40, pieceBytes: 1 })
    const startedAtMs = performance.now()
    const text = 'abcdefgh'
    for (const letter of text) a.socket.write(letter)
    await eventually(() => a.heard.replace(/[<>]/g, '') === `a${text}`)
    assert.ok(performance.now() - startedAtMs > 20)
  })

  it('resets connections, all that are meant or the one on which certain bytes travel', async () => {
    const [a, b] = [open('a'), open('b')]
    await eventually(() => a.heard === '<a>' && b.heard === '<b>')
    assert.equal(
      proxy.cut(({ label }) => label === 'a'),
      1,
    )
    await eventually(() => a.ended === 'ECONNRESET')
    const isCut = proxy.cutAt(Buffer.from('<secret>'), 'down')
    b.socket.write('secret')
    await eventually(() => b.ended === 'ECONNRESET')
    assert.ok(isCut())
    assert.equal(b.heard, '<b>')
  })
})
