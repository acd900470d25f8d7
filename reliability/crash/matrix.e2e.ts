import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { sayOrders } from '../judge/verdict.ts'
import { headingOf } from './headings.ts'
import { runRetryCrashes } from './payment-request-retry.ts'
import { runRetentionCrashes } from './retention.ts'
import { type CrashRun, runCrashes } from './run.ts'
import { faultPointTable, sayRedriven } from './table.ts'

/**
 * CRASH_EVERY=1 takes no kill for two; CRASH_TABLE names a file for the table of the fault points.
 */
const { CRASH_EVERY, CRASH_TABLE } = process.env

describe('every process, killed before and after whatever it does', function () {
  this.timeout(1_200_000)
  const runs: CrashRun[] = []
  const options = {
    isExhaustive: CRASH_EVERY === '1',
    progress: (line: string) => console.log(`      ${line}`),
  }
  after('write the table', () => {
    const command = `${CRASH_EVERY === '1' ? 'CRASH_EVERY=1 ' : ''}CRASH_TABLE=FILE npm run test:crash`
    const table = `${headingOf('fault-points', command)}\n\n${faultPointTable(runs)}\n`
    if (CRASH_TABLE) writeFileSync(CRASH_TABLE, table)
  })

  it('ends every order once, with no retry of payment requests', async () => {
    const run = await runCrashes({ cells: (recorded) => recorded, ...options })
    runs.push(run)
    console.log(
      `      ${sayOrders(run.verdict.orders)}; ${run.instances} processes started. ${sayRedriven(run.redriven)}`,
    )
    assert.deepEqual(run.faults, [])
  })

  it('retries by one new request each time, wherever orders-consumer is killed', async () => {
    const run = await runRetryCrashes(options)
    runs.push(run)
    const { orders, requestedAgain } = run.verdict
    console.log(
      `      ${sayOrders(orders)}, requested again ${requestedAgain}; ${run.instances} processes started`,
    )
    assert.deepEqual(run.faults, [])
  })

  it('deletes each old row once, and no other, wherever the consumers are killed', async () => {
    const run = await runRetentionCrashes(options)
    runs.push(run)
    console.log(`      ${sayOrders(run.verdict.orders)}; ${run.instances} instances`)
    assert.deepEqual(run.faults, [])
  })
})
