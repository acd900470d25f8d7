import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { WebSocketServer } from 'ws'
import { eventually } from '#testing/eventually.ts'
import { Client, type Loss } from './client.ts'

describe('a client whose token cannot be had', () => {
  const signedOut = new Error('signed out')
  const client = new Client({
    gateway: 'http://127.0.0.1:1',
    token: () => Promise.reject(signedOut),
  })

  it('throws why, at once', async () => {
    await assert.rejects(client.getOrder('any'), signedOut)
  })

  it('says why it is lost, and tries again', async () => {
    const losses: Loss[] = []
    const following = client.follow({
      onOrder: () => {},
      onState: (_, loss) => void (loss && losses.push(loss)),
    })
    await eventually(() => losses.length >= 2)
    following.close()
    for (const { error } of losses) assert.equal(error, signedOut)
  })
})

describe('a client whose token is refused', () => {
  const asked: (string | undefined)[] = []
  const used: (string | undefined)[] = []
  const server = createServer(({ headers }, response) => {
    used.push(headers.authorization)
    response.writeHead(headers.authorization === 'Bearer new' ? 200 : 401).end('{}')
  })
  const sockets = new WebSocketServer({ server, handleProtocols: () => 'bearer' })
  sockets.on('connection', (socket, { headers }) => {
    const token = headers['sec-websocket-protocol']?.split(', ')[1]
    used.push(token)
    if (token !== 'new') socket.close(4401)
  })
  let gateway = ''
  before(async () => {
    await once(server.listen(0, '127.0.0.1'), 'listening')
    gateway = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  beforeEach(() => {
    asked.length = used.length = 0
  })
  after(() => {
    sockets.close()
    server.closeAllConnections()
    server.close()
  })
  /** As long as the old one is not refused, it seems to be a good one. */
  const clientWith = (next: string) =>
    new Client({
      gateway,
      totalTimeoutMs: 0,
      token: (refused) => {
        asked.push(refused)
        return refused === 'old' ? next : 'old'
      },
    })

  it('asks for another one, and repeats the call', async () => {
    await clientWith('new').getOrder('any')
    assert.deepEqual(asked, [undefined, 'old'])
    assert.deepEqual(used, ['Bearer old', 'Bearer new'])
  })

  it('repeats it once, and then takes no for an answer', async () => {
    await assert.rejects(clientWith('other').getOrder('any'), { status: 401 })
    assert.deepEqual(used, ['Bearer old', 'Bearer other'])
  })

  it('asks for another one when its connection was closed as expired', async () => {
    const following = clientWith('new').follow({ onOrder: () => {} })
    await eventually(() => used.length === 2)
    following.close()
    assert.deepEqual(asked, [undefined, 'old'])
    assert.deepEqual(used, ['old', 'new'])
  })
})
