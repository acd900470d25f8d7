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
import { refuseUnreachable } from './reachable.ts'

describe('servers that the environment names', () => {
  const database = useDatabase('orders')
  const broker = useBroker()
  const use = useResources()
  const dir = mkdtempSync(join(tmpdir(), 'reachable-'))
  after(() => rmSync(dir, { recursive: true, force: true }))

  /** Another way to the server of the URL. */
  async function wayTo(url: string, options: ListenOptions): Promise<number> {
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

  it('are found at an IPv6 literal, as their drivers find them', async () => {
    const at = async (url: string) => `[::1]:${await wayTo(url, { host: '::1', port: 0 })}`
    const amqp = elsewhere(broker.url, await at(broker.url))
    const ordersDatabase = elsewhere(database.url, await at(database.url))
    await refuseUnreachable({ given: { amqp, ordersDatabase } })
    await closeConnection(await connectOrFail(amqp, 'test'))
    const db = use(connectDatabase({ name: 'test', url: ordersDatabase }))
    await sql`SELECT 1`.execute(db)
  })

  it('are found at a socket, written either way', async () => {
    await wayTo(database.url, { path: join(dir, '.s.PGSQL.5432') })
    const { username, password } = new URL(database.url)
    const login = `user=${username}&password=${password}`
    for (const url of [
      `postgres:///${database.name}?host=${dir}&${login}`,
      elsewhere(database.url, encodeURIComponent(dir)),
    ]) {
      await refuseUnreachable({ given: { ordersDatabase: url, paymentsDatabase: url } })
      const db = use(connectDatabase({ name: 'test', url }))
      await sql`SELECT 1`.execute(db)
    }
  })

  it('are named with address and variable when nobody is there', async () => {
    const given = {
      amqp: 'amqp://u:p@[::1]:1',
      ordersDatabase: `postgres:///db?host=${dir}&port=1`,
      paymentsDatabase: 'postgres://u:p@127.0.0.1:1/db',
    }
    await assert.rejects(refuseUnreachable({ given }), {
      message: `Cannot start:
  AMQP_URL: nobody answers at [::1]:1
  ORDERS_DATABASE_URL: nobody answers at ${dir}/.s.PGSQL.1
  PAYMENTS_DATABASE_URL: nobody answers at 127.0.0.1:1`,
    })
  })
})
