import assert from 'node:assert/strict'
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sayOrders } from '../judge/verdict.ts'
import { runRandom } from './run.ts'
import { shortRun } from './schedule.ts'
import { type System, startSystem } from './system.ts'

describe('the random run, short', function () {
  this.timeout(600_000)
  let system: System
  let dir: string

  before(async () => {
    dir = mkdtempSync(join(tmpdir(), 'orders-payments-run-'))
    system = await startSystem({ replicas: 2, paymentRequestTimeoutMs: 0 })
  })
  afterEach('keep history and logs of a red run', function () {
    if (this.currentTest?.state === 'failed') {
      cpSync(system.logsDir, join(dir, 'logs'), { recursive: true })
      console.error(`      history and logs: ${dir}`)
    } else rmSync(dir, { recursive: true, force: true })
  })
  after(() => system[Symbol.asyncDispose]())

  it('ends every order once, whatever its seed has killed, cut and stopped', async () => {
    const outcome = await runRandom(system, {
      ...{ seed: 298, ...shortRun },
      ...{ ordersPerSecond: 40, users: 20, quietWithinMs: 180_000, dir, progress: () => {} },
    })
    assert.deepEqual(outcome.faults, [])
    assert.ok(outcome.verdict.orders.ok > 50, sayOrders(outcome.verdict.orders))
    assert.ok(outcome.verdict.refunded > 5, `${outcome.verdict.refunded} refunds`)
    assert.ok(outcome.journal.injected.length >= 10)
    assert.ok(outcome.looks.done > 0)
  })
})
