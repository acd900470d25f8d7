import assert from 'node:assert/strict'
import { sql, type Transaction } from 'kysely'
import { connectDatabase } from '#chassis/database/connect.ts'
import { isCode } from '#chassis/errors.ts'
import { Problem } from '#http/problem.ts'
import type { PaymentsDatabase } from '#tables/payments.ts'
import { useDatabase } from '#testing/database.ts'
import { eventually } from '#testing/eventually.ts'
import { own } from '#testing/own.ts'
import { proxyTo } from '#testing/proxy.ts'
import { useResources } from '#testing/resources.ts'
import type { IdempotentRequest } from './stored-response.ts'
import { withIdempotencyKey } from './transaction.ts'

type Trx = Transaction<PaymentsDatabase>

/** What PostgreSQL answers to a commit. */
const committed = Buffer.from('COMMIT\0')

describe('withIdempotencyKey', () => {
  const database = useDatabase('payments')
  const use = useResources()

  const open = () =>
    use(connectDatabase<PaymentsDatabase>({ name: 'api', url: database.url, poolSize: 20 }))
  const request = (changes: Partial<IdempotentRequest> = {}): IdempotentRequest => ({
    ...{ userId: own('alice'), operation: 'POST /accounts', key: 'key' },
    ...{ fingerprintSource: { amount: '10.00' } },
    ...changes,
  })
  let effects = 0
  beforeEach('forget', async () => {
    effects = 0
    await database.rows(sql`TRUNCATE idempotency_keys, accounts`)
  })
  const effect = async (trx: Trx) => {
    effects++
    await sql`INSERT INTO accounts (user_id) VALUES ('u' || ${effects}::text)`.execute(trx)
    return { status: 201, body: { effect: effects } }
  }
  const isProblem = (status: number) => (error: unknown) =>
    error instanceof Problem && error.status === status
  const accounts = async () => (await database.rows(sql`SELECT user_id FROM accounts`)).length
  const keys = async () => (await database.rows(sql`SELECT key FROM idempotency_keys`)).length

  it('gives the same response again, byte for byte, and has its effect once', async () => {
    const db = open()
    const first = { status: 201, body: { effect: 1 }, json: '{"effect":1}' }
    assert.deepEqual(await withIdempotencyKey(db, request(), effect), { ...first, replayed: false })
    assert.deepEqual(await withIdempotencyKey(db, request(), effect), { ...first, replayed: true })
    assert.equal(await accounts(), 1)
  })

  it('has one effect for 50 calls at the same time with one key', async () => {
    const db = open()
    const ends = await Promise.allSettled(
      Array.from({ length: 50 }, () => withIdempotencyKey(db, request(), effect)),
    )
    const answers = ends.flatMap((end) => (end.status === 'fulfilled' ? [end.value] : []))
    const refused = ends.flatMap((end) => (end.status === 'rejected' ? [end.reason] : []))
    assert.equal(answers.filter(({ replayed }) => !replayed).length, 1)
    assert.equal(new Set(answers.map(({ json }) => json)).size, 1)
    const isBusy = (error: unknown) => isProblem(409)(error) || isCode(error, 'unavailable') // the pool
    assert.ok(refused.every(isBusy), String(refused))
    assert.deepEqual([effects, await accounts(), await keys()], [1, 1, 1])
  })

  it('says 409 while the first call is still running, and replays it afterwards', async () => {
    const db = open()
    const gate = Promise.withResolvers<void>()
    const first = withIdempotencyKey(db, request(), async (trx) => {
      const answer = await effect(trx)
      await gate.promise
      return answer
    })
    await eventually(() => effects === 1)
    await assert.rejects(withIdempotencyKey(db, request(), effect), (error) => {
      assert.ok(error instanceof Problem && error.type === 'request-in-progress')
      return error.headers['Retry-After'] === '1'
    })
    gate.resolve()
    await first
    assert.equal((await withIdempotencyKey(db, request(), effect)).replayed, true)
    assert.equal(effects, 1)
  })

  it('says 422 to the same key with another request, and to no other spelling of the same', async () => {
    const db = open()
    await withIdempotencyKey(db, request(), effect)
    const other = request({ fingerprintSource: { amount: '10.01' } })
    await assert.rejects(withIdempotencyKey(db, other, effect), {
      type: 'idempotency-key-reused',
      status: 422,
    })
    assert.equal(
      (await withIdempotencyKey(db, request({ fingerprintSource: { amount: '10.00' } }), effect))
        .replayed,
      true,
    )
  })

  it('frees the key when the effect fails, which then leaves nothing', async () => {
    const db = open()
    const failing = async (trx: Trx): Promise<never> => {
      await effect(trx)
      throw new Problem(422, 'not like this')
    }
    await assert.rejects(withIdempotencyKey(db, request(), failing), isProblem(422))
    assert.deepEqual([await accounts(), await keys()], [0, 0])
    assert.equal(
      (await withIdempotencyKey(db, request({ fingerprintSource: 'another' }), effect)).replayed,
      false,
    )
  })

  it('frees the key when the process dies in the middle', async () => {
    const db = open()
    const dying = async (trx: Trx) => {
      const answer = await effect(trx)
      await database.endConnections('api')
      return answer
    }
    await assert.rejects(withIdempotencyKey(db, request(), dying))
    assert.equal(await accounts(), 0)
    assert.equal((await withIdempotencyKey(db, request(), effect)).replayed, false)
  })

  it('has one effect for each key though the answer to its commit is lost, 100 times', async () => {
    const proxy = use(await proxyTo(database.url))
    const db = use(connectDatabase<PaymentsDatabase>({ name: 'api', url: proxy.url, poolSize: 1 }))
    for (let time = 0; time < 100; time++) {
      const wasCut = proxy.cutAt(committed, 'down')
      const keyed = request({ key: `key ${time}` })
      await assert.rejects(withIdempotencyKey(db, keyed, effect), (error) =>
        isCode(error, 'unavailable'),
      )
      assert.ok(wasCut())
      assert.equal((await withIdempotencyKey(db, keyed, effect)).replayed, true)
    }
    assert.deepEqual([await accounts(), await keys()], [100, 100])
  })

  it('keeps the keys of two users, and of two calls, apart', async () => {
    const db = open()
    const others = [{}, { userId: own('bob') }, { operation: 'POST /orders' }, { key: 'other' }]
    for (const other of others as Partial<IdempotentRequest>[]) {
      assert.equal((await withIdempotencyKey(db, request(other), effect)).replayed, false)
    }
    assert.equal(effects, 4)
  })

  it('runs every call that has no key', async () => {
    const db = open()
    for (let time = 0; time < 3; time++) {
      assert.equal(
        (await withIdempotencyKey(db, request({ key: undefined }), effect)).replayed,
        false,
      )
    }
    assert.deepEqual([await accounts(), await keys()], [3, 0])
  })
})
