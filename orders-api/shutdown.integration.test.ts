import assert from 'node:assert/strict'
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { sql } from 'kysely'
import { useDatabase } from '#testing/database.ts'
import { eventually } from '#testing/eventually.ts'

describe('orders-api, told to stop', function () {
  this.timeout(120_000)
  const database = useDatabase('orders')
  let child: ChildProcessWithoutNullStreams
  let origin: string

  beforeEach(async () => {
    child = spawn(process.execPath, ['orders-api/main.ts'], {
      env: { PATH: process.env.PATH, PORT: '0', ORDERS_DATABASE_URL: database.url },
    })
    let output = ''
    child.stdout.on('data', (chunk) => {
      output += chunk
    })
    const port = await eventually(() => /"port":(\d+)/.exec(output)?.[1])
    origin = `http://127.0.0.1:${port}`
  })

  const postOrder = () =>
    fetch(`${origin}/orders`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"user_id":"alice","amount":"1.00"}',
    })
  const isWaiting = async () => {
    const { rows } = await sql<{ n: number }>`
      SELECT count(*)::int AS n FROM pg_locks
      JOIN pg_database ON pg_database.oid = database
      WHERE NOT granted AND datname = ${database.name}`.execute(database.db)
    return rows[0]?.n === 1
  }

  it('answers what is in flight, takes no more, tells the subscribers, and exits with 0', async () => {
    const subscriber = new WebSocket(`${origin.replace('http', 'ws')}/orders/ws`)
    await once(subscriber, 'open')
    const closed = once(subscriber, 'close') as Promise<[CloseEvent]>
    const exited = once(child, 'exit')

    const inFlight = await database.db.transaction().execute(async (trx) => {
      await sql`LOCK TABLE orders IN SHARE ROW EXCLUSIVE MODE`.execute(trx)
      const answering = postOrder()
      await eventually(isWaiting)
      child.kill('SIGTERM')
      await eventually(() =>
        fetch(`${origin}/readyz`).then(
          () => false,
          () => true,
        ),
      )
      return { answering }
    })
    const answer = await inFlight.answering
    assert.equal(answer.status, 201)
    assert.equal((await closed)[0].code, 1001)
    assert.deepEqual(await exited, [0, null])
  })

  it('ends at once at a second signal', async () => {
    const exited = once(child, 'exit')
    await database.db.transaction().execute(async (trx) => {
      await sql`LOCK TABLE orders IN SHARE ROW EXCLUSIVE MODE`.execute(trx)
      const answering = postOrder().catch((error: Error) => error)
      await eventually(isWaiting)
      child.kill('SIGTERM')
      await eventually(() =>
        fetch(`${origin}/readyz`).then(
          () => false,
          () => true,
        ),
      )
      child.kill('SIGTERM')
      assert.deepEqual(await exited, [1, null])
      assert.ok((await answering) instanceof Error)
    })
  })
})
