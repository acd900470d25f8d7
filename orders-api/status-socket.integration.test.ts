import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { type AddressInfo, createConnection } from 'node:net'
import { promisify } from 'node:util'
import { WebSocket } from 'ws'
import { connectDatabase } from '#chassis/database/connect.ts'
import { Resources } from '#chassis/resources.ts'
import type { OrdersDatabase } from '#tables/orders.ts'
import { useDatabase } from '#testing/database.ts'
import { eventually } from '#testing/eventually.ts'
import { silent } from '#testing/logger.ts'
import { StatusFeed } from './status-feed.ts'
import { serveStatusSocket } from './status-socket.ts'

describe('serveStatusSocket', function () {
  this.timeout(120_000)
  const database = useDatabase('orders')
  const logger = silent
  const resources = new Resources()
  let server: Server
  let url: string

  const start = async (pingMs: number) => {
    const { url: databaseUrl } = database
    const name = 'orders-api'
    const db = resources.use(
      connectDatabase<OrdersDatabase>({ name, url: databaseUrl, poolSize: 2 }),
    )
    const feed = resources.use(new StatusFeed({ name, db, url: databaseUrl, logger, limit: 100 }))
    server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    resources.use({ close: () => server.close() })
    resources.use(serveStatusSocket(server, { feed, logger, pingMs }))
    url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}/orders/ws`
  }
  afterEach(() => resources.closeAll(logger))

  const connections = () => promisify(server.getConnections.bind(server))()
  const connect = async (options: object = {}) => {
    const client = new WebSocket(url, options)
    await once(client, 'open')
    return client
  }

  it('cuts off a client that does not answer pings, and keeps one that does', async () => {
    await start(1_000)
    const answering = await connect()
    const dead = await connect({ autoPong: false })
    await once(dead, 'close')
    assert.equal(answering.readyState, WebSocket.OPEN)
    await once(answering, 'ping')
    answering.terminate()
  })

  it('cuts off a client that never reads', async () => {
    await start(60_000)
    const client = await connect({ autoPong: true })
    client.on('error', () => {})
    client.pause()
    const flood = () => {
      for (let n = 0; n < 1_000 && client.readyState === WebSocket.OPEN; n++) client.send('no json')
    }
    await eventually(
      async () => {
        flood()
        return (await connections()) === 0
      },
      { timeoutMs: 60_000 },
    )
    client.terminate()
  })

  it('survives clients that reset while they are refused', async () => {
    await start(60_000)
    const { port } = server.address() as AddressInfo
    const head = ['connection: upgrade', 'upgrade: websocket', 'origin: http://elsewhere.example']
    for (const target of ['/orders/ws', '//', '/elsewhere']) {
      for (let n = 0; n < 20; n++) {
        const socket = createConnection({ port, host: '127.0.0.1' })
        socket.write([`GET ${target} HTTP/1.1`, 'host: here', ...head, '', ''].join('\r\n'))
        await once(socket, 'connect')
        socket.resetAndDestroy()
      }
    }
    await eventually(async () => (await connections()) === 0)
    const client = await connect()
    client.terminate()
  })

  it('lets go of a client that has closed', async () => {
    await start(60_000)
    const client = await connect()
    client.send(JSON.stringify({ type: 'subscribe', user_id: 'alice' }))
    client.close()
    await eventually(async () => (await connections()) === 0)
  })

  it('closes with 1001 when it is closed', async () => {
    await start(60_000)
    const client = await connect()
    const closed = once(client, 'close')
    await resources.closeAll(logger)
    assert.equal((await closed)[0], 1001)
  })
})
