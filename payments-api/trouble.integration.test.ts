import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chownSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql, type Transaction } from 'kysely'
import { connectDatabase } from '#chassis/database/connect.ts'
import { Health } from '#http/health.ts'
import { serve } from '#http/server.ts'
import { postgresIdentity } from '#local/supervisor/identity.ts'
import { verifyNothing } from '#principal/verifier.ts'
import type { PaymentsDatabase } from '#tables/payments.ts'
import { call } from '#testing/client.ts'
import { useDatabase } from '#testing/database.ts'
import { eventually } from '#testing/eventually.ts'
import { silent } from '#testing/logger.ts'
import { expectProblem } from '#testing/problem.ts'
import { useResources } from '#testing/resources.ts'
import { paymentsRouter } from './app.ts'
import { pingAccounts } from './rows.ts'

describe('payments-api, when the database is in trouble', () => {
  const database = useDatabase('payments')
  const use = useResources()
  let origin = ''

  async function serveAt(url: string) {
    const db = use(connectDatabase<PaymentsDatabase>({ name: 'payments-api', url, poolSize: 4 }))
    const health = new Health()
    health.check('database', () => pingAccounts(db))
    const at = { host: '127.0.0.1', port: 0, health, logger: silent }
    const { server, close } = use(
      await serve({ ...at, router: paymentsRouter({ db, verify: verifyNothing }) }),
    )
    return { origin: `http://127.0.0.1:${(server.address() as { port: number }).port}`, close }
  }

  beforeEach('serve', async () => {
    origin = (await serveAt(database.url)).origin
    await database.rows(sql`INSERT INTO accounts (user_id) VALUES ('alice'), ('bob')
                            ON CONFLICT (user_id) DO UPDATE SET balance = 0, version = 0`)
  })

  const topUp = (user: string, key: string = crypto.randomUUID()) =>
    call(origin, 'POST', `/accounts/${user}/topup`, {
      body: { amount: '1.00' },
      headers: { 'idempotency-key': key },
    })
  const balanceOf = async (user: string) =>
    (await call(origin, 'GET', `/accounts/${user}`)).body.balance
  /** While somebody else holds the account of alice, for as long as it takes. */
  const whileAliceIsHeld = <T>(work: () => Promise<T>): Promise<T> =>
    database.db.transaction().execute(async (trx: Transaction<PaymentsDatabase>) => {
      await sql`SET LOCAL idle_in_transaction_session_timeout = 0`.execute(trx)
      await sql`SELECT FROM accounts WHERE user_id = 'alice' FOR UPDATE`.execute(trx)
      return work()
    })

  it('says 503 after 2 s to who waits for a lock, harms nobody else, and does it later, once', async () => {
    await whileAliceIsHeld(async () => {
      const startedAt = performance.now()
      const waiting = topUp('alice', 'held')
      assert.equal((await topUp('bob')).status, 200)
      const reply = await waiting
      expectProblem(reply, 503)
      assert.ok(reply.headers.get('retry-after'))
      assert.ok(performance.now() - startedAt < 8_000)
    })
    assert.equal((await topUp('alice', 'held')).status, 200)
    assert.equal((await topUp('alice', 'held')).status, 200)
    assert.equal(await balanceOf('alice'), '1.00')
  })

  it('tops up an account at the end of its versions, which begin again at 0', async () => {
    await database.rows(sql`UPDATE accounts SET version = 2147483647 WHERE user_id = 'alice'`)
    const { status, body } = await topUp('alice')
    assert.deepEqual([status, body.version, body.balance], [200, 0, '1.00'])
    assert.equal((await topUp('alice')).body.version, 1)
  })

  it('adds to the balance behind the lock, not to one that is just changing', async () => {
    let waiting: ReturnType<typeof topUp> | undefined
    await database.db.transaction().execute(async (trx) => {
      await sql`UPDATE accounts SET balance = 10 WHERE user_id = 'alice'`.execute(trx)
      waiting = topUp('alice')
      await eventually(database.waitingForLocks, { timeoutMs: 5_000 })
    })
    assert.equal((await waiting)?.status, 200)
    assert.equal(await balanceOf('alice'), '11.00')
  })

  it('answers each of 200 requests within seconds when they use up all connections', async () => {
    const startedAt = performance.now()
    const replies = await whileAliceIsHeld(() =>
      Promise.all(Array.from({ length: 200 }, () => topUp('alice'))),
    )
    const tookMs = performance.now() - startedAt
    for (const reply of replies) expectProblem(reply, 503)
    assert.ok(tookMs < 30_000, `took ${tookMs} ms`) // one after the other: 100 s
    assert.equal((await topUp('alice')).status, 200)
    assert.equal(await balanceOf('alice'), '1.00')
  })

  it('says 500 when a column is missing: a fault of the program, which no repetition repairs', async () => {
    await database.rows(sql`ALTER TABLE accounts RENAME COLUMN version TO edition`)
    try {
      expectProblem(await call(origin, 'GET', '/accounts/alice'), 500)
      expectProblem(await topUp('alice'), 500)
    } finally {
      await database.rows(sql`ALTER TABLE accounts RENAME COLUMN edition TO version`)
    }
    assert.equal((await topUp('alice')).status, 200)
  })

  it('says 503, and is not ready, while it has no right to its tables or no password', async () => {
    const clerk = sql.id(`clerk_${process.pid}`)
    await database.rows(sql`CREATE ROLE ${clerk} LOGIN PASSWORD 'right'`)
    try {
      for (const [password, reason] of [
        ['right', /^42501 permission denied for table accounts$/],
        ['wrong', /^28P01 password authentication failed for user/],
      ] as const) {
        const url = new URL(database.url)
        Object.assign(url, { username: `clerk_${process.pid}`, password })
        const { origin, close } = await serveAt(url.href)
        expectProblem(await call(origin, 'GET', '/accounts/alice'), 503)
        const { status, reasons } = await readiness(origin)
        assert.equal(status, 503)
        assert.match(reasons.database ?? '', reason)
        await close()
      }
    } finally {
      await database.rows(sql`DROP ROLE ${clerk}`)
    }
  })

  async function readiness(at: string) {
    const response = await fetch(`${at}/readyz`, { headers: { connection: 'close' } })
    const { reasons } = (await response.json()) as { reasons: Record<string, string> }
    return { status: response.status, reasons }
  }

  it('says 503 while the disk is full, keeps nothing of it, and goes on when there is room', async function () {
    const disk = smallDisk()
    if (!disk) this.skip()
    const space = sql.id(`small_${process.pid}`)
    try {
      await database.rows(sql`CREATE TABLESPACE ${space} LOCATION ${sql.lit(disk.dir)}`)
      await database.rows(sql`CREATE TABLE filling (bytes text) TABLESPACE ${space}`)
      await database.rows(sql`ALTER TABLE filling ALTER bytes SET STORAGE PLAIN`)
      await database.rows(sql`ALTER TABLE ledger SET TABLESPACE ${space}`)
      await fill()
      const refused = await topUpUntilRefused()
      assert.match(expectProblem(refused.reply, 503).detail, /Idempotency-Key/)
      assert.equal(await balanceOf('alice'), `${refused.done}.00`)
      await database.rows(sql`DROP TABLE filling`)
      assert.equal((await topUp('alice')).status, 200)
      assert.equal(await balanceOf('alice'), `${refused.done + 1}.00`)
    } finally {
      await database.rows(sql`DROP TABLE IF EXISTS filling`)
      await database.rows(sql`ALTER TABLE ledger SET TABLESPACE pg_default`)
      await database.rows(sql`DROP TABLESPACE IF EXISTS ${space}`)
      disk.unmount()
    }
  })

  /** To the last page: what is refused first is a row that needs a new one. */
  async function fill(): Promise<void> {
    const rows = sql`INSERT INTO filling SELECT repeat('x', 4000) FROM generate_series(1, 100)`
    const row = sql`INSERT INTO filling VALUES (repeat('x', 4000))`
    for (const insert of [rows, row]) {
      await assert.rejects(async () => {
        for (;;) await database.rows(insert)
      })
    }
  }

  async function topUpUntilRefused() {
    for (let done = 0; ; done++) {
      const reply = await topUp('alice')
      if (reply.status !== 200) return { done, reply }
    }
  }
})

/** A file system of 6 MB; undefined for who may not mount one. */
function smallDisk() {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return undefined
  const dir = mkdtempSync(join(tmpdir(), 'orders-payments-disk-'))
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=6m', 'tmpfs', dir], { stdio: 'ignore' })
  } catch {
    rmSync(dir, { recursive: true })
    return undefined
  }
  const { uid, gid } = postgresIdentity() ?? { uid: 0, gid: 0 }
  chownSync(dir, uid, gid)
  return {
    dir,
    unmount: () => {
      execFileSync('umount', [dir])
      rmSync(dir, { recursive: true })
    },
  }
}
