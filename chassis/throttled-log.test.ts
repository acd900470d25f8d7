import assert from 'node:assert/strict'
import { eventually } from '#testing/eventually.ts'
import { throttledLog } from './throttled-log.ts'

describe('throttledLog', () => {
  it('writes the first time at once, and one line for all times until the period is over', async () => {
    const lines: object[] = []
    const log = throttledLog((details) => lines.push(details), 50)
    log(2, { ids: ['a'] })
    assert.deepEqual(lines, [{ ids: ['a'], count: 2 }])
    for (let time = 0; time < 100; time++) log(1, { ids: [time] })
    assert.equal(lines.length, 1)
    await eventually(() => lines.length === 2)
    assert.deepEqual(lines[1], { ids: [99], count: 100 })
  })

  it('writes nothing when nothing has happened, and the next time at once again', async () => {
    const lines: object[] = []
    const log = throttledLog((details) => lines.push(details), 5)
    log(1, {})
    let waited = false
    setTimeout(() => {
      waited = true
    }, 20)
    await eventually(() => waited)
    assert.equal(lines.length, 1)
    log(1, {})
    assert.equal(lines.length, 2)
  })
})
