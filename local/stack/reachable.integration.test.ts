import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect, createServer, type ListenOptions } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import { connectDatabase } from '#chassis/database/connect.ts'
import { closeConnection, connectOrFail } from '#messaging/broker/connection.ts'
import { useBroker } from '#testing/broker.ts'
import { useDatabase } from '#testing/database.ts'
import { useResources } from '#testing/resources.ts'
import { assertReachable } from './reachable.ts'

describe('external servers', () => {
  const database = useDatabase('orders')
  const broker = useBroker()
  const use = useResources()
  const dir = mkdtempSync(join(tmpdir(), 'reachable-'))
  after(() => rmSync(dir, { recursive: true, force: true }))

  /** Another address of the server of the URL. */
  async function proxyTo(url: string, options: ListenOptions): Promise<number> {
    const { hostname, port } = new URL(url)
    const server = createServer((client) => {
      const upstream = connect(Number(port), hostname)
      for (const socket of [client, upstream]) socket.on('error', () => {})
      client.pipe(upstream).pipe(client)
    })
    use({ close: () => server.close() })
    server.listen(options)
    await once(server, 'listening')
    return (server.address() as { port: number }).port
  }

  const elsewhere = (url: string, host: string) => url.replace(/(?<=@)[^/]+/, host)

  it('are reached at an IPv6 literal, as by their drivers', async () => {
    const at = async (url: string) => `[::1]:${await proxyTo(url, { host: '::1', port: 0 })}`
    const amqp = elsewhere(broker.url, await at(broker.url))
    const ordersDatabase = elsewhere(database.url, await at(database.url))
    await assertReachable({ external: { amqp, ordersDatabase } })
    await closeConnection(await connectOrFail(amqp, 'test'))
    const db = use(connectDatabase({ name: 'test', url: ordersDatabase }))
    await sql`SELECT 1`.execute(db)
  })

  it('are reached at a socket, in either notation', async () => {
    await proxyTo(database.url, { path: join(dir, '.s.PGSQL.5432') })
    const { username, password } = new URL(database.url)
    const login = `user=${username}&password=${password}`
    for (const url of [
      `postgres:///${database.name}?host=${dir}&${login}`,
      elsewhere(database.url, encodeURIComponent(dir)),
    ]) {
      await assertReachable({ external: { ordersDatabase: url, paymentsDatabase: url } })
      const db = use(connectDatabase({ name: 'test', url }))
      await sql`SELECT 1`.execute(db)
    }
  })

  it('are reached at one node of several', async () => {
    await assertReachable({ external: { amqp: `amqp://u:p@127.0.0.1:1,${broker.url}` } })
  })

  it('are reported with address and variable when they do not answer', async () => {
    const external = {
      amqp: 'amqp://u:p@[::1]:1,amqp://u:p@127.0.0.1:1',
      ordersDatabase: `postgres:///db?host=${dir}&port=1`,
      paymentsDatabase: 'postgres://u:p@127.0.0.1:1/db',
    }
    await assert.rejects(assertReachable({ external }), {
      message: `Cannot start:
  AMQP_URL: no server answers at [::1]:1, 127.0.0.1:1
  ORDERS_DATABASE_URL: no server answers at ${dir}/.s.PGSQL.1
  PAYMENTS_DATABASE_URL: no server answers at 127.0.0.1:1`,
    })
  })
})
