import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { writeMarkdown } from './markdown.ts'
import { type Figure, median, quantile } from './measurement.ts'
import { cellsOf, ratioOf } from './report.ts'

const rate: Figure = {
  name: 'relay',
  unit: 'events/s',
  values: [700, 900, 800],
  against: 'the limit',
  limits: [1_000, 1_100, 900],
  target: { ratioAtLeast: 0.8 },
}
const time: Figure = {
  name: 'latency',
  unit: 'ms',
  values: [16, 15, 14],
  against: 'the library',
  limits: [300, 200, 100],
  target: { valueAtMost: 15 },
}

describe('the report of the benchmark', () => {
  it('compares medians', () => {
    assert.equal(ratioOf(rate), 0.8)
    assert.equal(median([4, 1, 3, 2]), 2.5)
    assert.equal(quantile([1, 2, 3, 4, 5], 0.75), 4)
  })

  it('meets a target exactly, and misses it by a little', () => {
    const verdict = (figure: Figure) => cellsOf(figure).at(-1)
    assert.equal(verdict(rate), 'met')
    assert.equal(verdict({ ...rate, target: { ratioAtLeast: 0.81 } }), 'MISSED')
    assert.equal(verdict({ ...rate, target: { ratioAtMost: 0.8 } }), 'met')
    assert.equal(verdict({ ...rate, target: { ratioAtMost: 0.79 } }), 'MISSED')
    assert.equal(verdict(time), 'met')
    assert.equal(verdict({ ...time, target: { valueAtMost: 14.9 } }), 'MISSED')
  })

  /** A page after several runs, one after the other. */
  function pageAfter(...runs: Figure[][]): string {
    const dir = mkdtempSync(join(tmpdir(), 'orders-payments-report-'))
    const file = join(dir, 'page.md')
    writeFileSync(file, 'before\n<!-- figures -->\n<!-- end of figures -->\nafter\n')
    for (const figures of runs) writeMarkdown(file, figures)
    const text = readFileSync(file, 'utf8')
    rmSync(dir, { recursive: true })
    return text
  }

  it('replaces the lines of what was measured, and leaves the rest of the file alone', () => {
    const text = pageAfter(
      [rate, { ...time, note: 'old' }],
      [{ ...time, values: [20, 20, 20], note: 'new' }],
    )
    assert.match(text, /^before\n.*\| relay \| 800 .*\| latency \| 20\.0 .*\nafter\n$/s)
    assert.match(text, /\n- \*\*latency\*\*: new\n/)
    assert.doesNotMatch(text, /15\.0|old/)
  })

  it('wraps a long note, keeps it when it was not measured, and replaces all of it', () => {
    const note = 'stage 1.23, '.repeat(40).trim()
    const text = pageAfter([{ ...time, note }, rate])
    assert.ok(text.includes('\n  ') && text.split('\n').every(({ length }) => length <= 140))
    assert.equal(
      pageAfter([{ ...time, note }], [rate])
        .replace(/\s+/g, ' ')
        .includes(note),
      true,
    )
    assert.doesNotMatch(pageAfter([{ ...time, note }], [{ ...time, note: 'new' }]), /stage/)
  })
})
