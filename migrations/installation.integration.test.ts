import assert from 'node:assert/strict'
import { type RawBuilder, sql } from 'kysely'
import { useDatabase } from '#testing/database.ts'
import { identifyInstallation } from './installation.ts'

describe('the id of the installation', () => {
  const orders = useDatabase('orders')
  const payments = useDatabase('payments')
  const databases = { orders, payments }
  const urls = () => ({ orders: orders.url, payments: payments.url })
  const both = (statement: RawBuilder<unknown>) =>
    Promise.all([orders.rows(statement), payments.rows(statement)])
  const idOf = async (service: keyof typeof databases) => {
    const rows = await databases[service].rows(sql<{ id: string; service: string }>`
      SELECT id, service FROM installation
    `)
    assert.equal(rows.length, 1)
    assert.equal(rows[0]?.service, service)
    return rows[0]?.id
  }

  beforeEach('nobody has run the migrations', () => both(sql`DELETE FROM installation`))

  it('is the same in both databases, however many give it at once, and stays', async () => {
    await Promise.all(Array.from({ length: 8 }, () => identifyInstallation(urls())))
    const id = await idOf('orders')
    assert.equal(await idOf('payments'), id)
    await identifyInstallation(urls())
    assert.equal(await idOf('orders'), id)
  })

  for (const [one, other] of [
    ['orders', 'payments'],
    ['payments', 'orders'],
  ] as const) {
    it(`is that of ${one} where ${other} has none yet`, async () => {
      await identifyInstallation(urls())
      const id = await idOf(one)
      await databases[other].rows(sql`DELETE FROM installation`)
      await identifyInstallation(urls())
      assert.equal(await idOf(other), id)
      assert.equal(await idOf(one), id)
    })
  }

  it('is refused where both databases have one of their own', async () => {
    await identifyInstallation(urls())
    await orders.rows(sql`UPDATE installation SET id = gen_random_uuid()`)
    await assert.rejects(identifyInstallation(urls()), /name databases of two installations/)
  })

  it('is refused where a database is the other service’s', async () => {
    await identifyInstallation(urls())
    const swapped = { orders: payments.url, payments: orders.url }
    await assert.rejects(
      identifyInstallation(swapped),
      /ORDERS_DATABASE_URL names the database of payments/,
    )
  })
})
