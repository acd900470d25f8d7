import assert from 'node:assert/strict'
import { useDatabase } from '#testing/database.ts'
import { postgresServer } from '#testing/servers.ts'
import { withDatabases } from './databases.ts'

describe('withDatabases', () => {
  const [orders, payments] = [useDatabase('orders'), useDatabase('payments')]
  const open = (ordersUrl: string, paymentsUrl: string) =>
    withDatabases(
      {
        env: {
          ...{ LOCAL_DIR: '/nowhere', AMQP_URL: 'amqp://127.0.0.1:9' },
          ...{ ORDERS_DATABASE_URL: ordersUrl, PAYMENTS_DATABASE_URL: paymentsUrl },
        },
        role: 'operator-viewer',
      },
      async () => 'open',
    )

  it('opens the databases of both services', async () => {
    assert.equal(await open(orders.url, payments.url), 'open')
  })

  it('says so when the two URLs are swapped', () =>
    assert.rejects(open(payments.url, orders.url), /of Orders has the tables of Payments: are/))

  it('says so when both URLs name one database', () =>
    assert.rejects(open(orders.url, orders.url), /of Payments has the tables of Orders: are/))

  it('says so when migrations have not run', async () => {
    const { url } = await postgresServer()
    await assert.rejects(open(orders.url, url('postgres')), /of Payments has no tables: migrations/)
  })

  it('names the database that cannot be reached', () =>
    assert.rejects(open(orders.url, 'postgres://127.0.0.1:9/none'), {
      message: 'The database of Payments cannot be reached',
      code: 'unavailable',
    }))
})
