import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { sayOrders } from '../faults/verdict.ts'
import { runCrashes } from './run.ts'
import { seamTable } from './table.ts'

/** CRASH_EVERY=1 takes no kill for two; CRASH_TABLE names a file for the table of the seams. */
const { CRASH_EVERY, CRASH_TABLE } = process.env

describe('every process, killed before and after whatever it does', function () {
  this.timeout(1_200_000)

  it('ends every order once, with nothing that asks again', async () => {
    const run = await runCrashes({
      cells: (recorded) => recorded,
      isExhaustive: CRASH_EVERY === '1',
      progress: (line) => console.log(`      ${line}`),
    })
    console.log(
      `      ${sayOrders(run.verdict.orders)}; ${run.lives} lives, ${run.redriven} messages taken for killers`,
    )
    if (CRASH_TABLE) writeFileSync(CRASH_TABLE, `${seamTable(run)}\n`)
    assert.deepEqual(run.faults, [])
  })
})
