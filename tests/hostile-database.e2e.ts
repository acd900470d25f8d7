import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { promisify } from 'node:util'
import { type RawBuilder, sql } from 'kysely'
import { connectDatabase } from '#chassis/database/connect.ts'
import { isPending, type OrderStatus } from '#contracts/order-states.ts'
import { call, insist } from '#testing/client.ts'
import { assertUnused, createEmptyDatabase, dropDatabase } from '#testing/database.ts'
import { eventually } from '#testing/eventually.ts'
import { alterDatabase, hostileSettings } from '#testing/hostile-settings.ts'
import { postgresServer } from '#testing/servers.ts'
import { type Stack, startStack } from '#testing/stack.ts'

const names = ['orders', 'payments'].map((service) => `hostile_${service}_${process.pid}`)

/** Databases that somebody else has set up, from before the first migration on. */
describe('on databases whose settings are hostile', function () {
  this.timeout(120_000)
  let stack: Stack

  /** Settings are those of sessions that are opened later: whoever is connected is cut off. */
  async function set(settings: Partial<typeof hostileSettings>) {
    for (const name of names) {
      await administer(sql`ALTER DATABASE ${sql.id(name)} RESET ALL`)
      for (const change of alterDatabase(name, settings)) await administer(change)
      await administer(
        sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = ${name}`,
      )
    }
  }

  before('start the stack on them', async () => {
    for (const name of names) await createEmptyDatabase(name)
    await set(hostileSettings)
    const { url } = await postgresServer()
    const [orders = '', payments = ''] = names.map(url)
    stack = await startStack({
      env: { ORDERS_DATABASE_URL: orders, PAYMENTS_DATABASE_URL: payments },
    })
  })
  after('stop it', async () => {
    assert.equal(await stack?.stop(), 0)
    for (const name of names) {
      await assertUnused(name)
      await dropDatabase(name)
    }
  })

  const get = async (path: string) => (await call(stack.gateway, 'GET', path)).body
  const operator = async (...args: string[]) => {
    const { AMQP_URL: _, ORDERS_DATABASE_URL: __, PAYMENTS_DATABASE_URL: ___, ...env } = process.env
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['operator/main.ts', ...args, '--json'],
      { env: { ...env, LOCAL_DIR: stack.dir } },
    )
    return JSON.parse(stdout)
  }
  const settled = async (user_id: string, amount: string) => {
    const placed = await insist(stack.gateway, '/orders', { user_id, amount })
    const path = `/orders/${placed.body.order_id}`
    return eventually(
      async () => {
        const order = await get(path)
        return !isPending(order.status as OrderStatus) && order
      },
      { timeoutMs: 30_000 },
    )
  }

  async function everythingIsRight() {
    const user_id = `h-${randomUUID()}`
    await insist(stack.gateway, '/accounts', { user_id })
    await insist(stack.gateway, `/accounts/${user_id}/topup`, { amount: '10.00' })
    const paid = await settled(user_id, '7.00')
    const refused = await settled(user_id, '7.00')
    assert.equal(paid.status, 'PAID')
    assert.deepEqual(
      [refused.status, refused.failure_reason],
      ['PAYMENT_FAILED', 'INSUFFICIENT_FUNDS'],
    )
    assert.equal((await get(`/accounts/${user_id}`)).balance, '3.00')
    const { items } = await get(`/accounts/${user_id}/ledger`)
    assert.deepEqual(
      items?.map(({ status }) => status),
      ['FAILED', 'SUCCESS', 'SUCCESS'],
    )

    const { stages } = await get(`/orders/${paid.order_id}/timeline`)
    const told = stages as { stage: string; at: string }[]
    const way = ['accepted', 'relayed', 'received', 'charged', 'reply_relayed', 'settled']
    assert.deepEqual(
      told.map(({ stage }) => stage),
      way,
    )
    for (const { at } of told) assert.ok(Math.abs(Date.now() - Date.parse(at)) < 60_000, at)

    const { steps } = await operator('trace', String(paid.order_id))
    const happened = (steps as { stage: string; at: string | null }[]).filter(
      ({ at }) => at !== null,
    )
    assert.deepEqual(
      happened.map(({ stage }) => stage),
      [...way.slice(0, 5), 'reply_received', 'settled'],
    )
    assert.deepEqual((await operator('reconcile')).findings, [])
    assert.deepEqual((await operator('dlq', 'list')).letters, [])
  }

  it('does everything right where all of them are', () => everythingIsRight())

  for (const name of ['DateStyle', 'array_nulls'] as const) {
    it(`does everything right where only ${name} is`, async () => {
      await set({ [name]: hostileSettings[name] })
      await everythingIsRight()
    })
  }
})

async function administer(statement: RawBuilder<unknown>): Promise<void> {
  const { url } = await postgresServer()
  const db = connectDatabase({ name: 'test admin', url: url('postgres'), poolSize: 1 })
  await statement.execute(db).finally(() => db.close())
}
