import assert from 'node:assert/strict'
import { Journal } from './journal.ts'
import type { Outcome } from './outcome.ts'
import { jsonOf, markdownOf } from './report.ts'

describe('the report of a run', () => {
  const orders = { ok: 9, recovered: 1, lost: 0, duplicated: 0, unexpected: 0, stuck: 0 }

  function outcomeOf(more: Partial<Outcome> = {}): Outcome {
    return {
      verdict: { orders, faults: [], requestedAgain: 0, refunded: 0 },
      journal: new Journal(),
      ...{ faults: [], recoveries: [], deadLetters: 0, duplicates: 0, heldBack: 0 },
      looks: { done: 3, missed: 0 },
      ...more,
    }
  }

  const report = (more: Partial<Outcome> = {}) =>
    markdownOf({ title: 'x6', command: 'npm run chaos -- --only x6', outcome: outcomeOf(more) })

  function journalOfKills(hits: number): Journal {
    const journal = new Journal()
    journal.end({ fault: { kind: 'kill', victims: [] }, fromMs: 0, toMs: 1, hits })
    return journal
  }

  it('begins with what it is of, how it ended, and the command', () => {
    assert.match(
      report(),
      /^\*\*x6: green\*\*\n\n`npm run chaos -- --only x6`\n\n- 10 orders: ok 9/,
    )
    assert.match(report({ faults: ['lost'] }), /RED, 1 faults[\s\S]*- RED: lost/)
  })

  it('has no table of nothing', () => assert.doesNotMatch(report(), /\|/))

  it('says what harmless kills show, and nothing of it when a promise was broken', () => {
    const journal = journalOfKills(737)
    assert.match(
      report({ journal }),
      /^- None of 737 kills did harm: with 95 % confidence less than 0\.41 % of such kills would \(rule of three\)$/m,
    )
    assert.doesNotMatch(report({ journal, faults: ['lost'] }), /rule of three/)
    assert.doesNotMatch(report({ journal: journalOfKills(2) }), /rule of three/) // 150 %
  })

  it('says how long the schedule stood still, of runs that have one', () => {
    assert.match(
      report({ standstillsMs: [7_000, 1_250] }),
      /stood still 2 times, 8\.3 s in all, the longest 7\.0 s \(120\.0 s at most\): no fault was begun meanwhile/,
    )
    assert.match(report({ standstillsMs: [] }), /never stood still/)
    assert.doesNotMatch(report(), /stood still/)
  })

  it('counts what a cell has done by itself among the faults, by what it was done to', () => {
    const journal = journalOfKills(1)
    journal.act('events sent again', 'both exchanges', 40)
    journal.act('stop', 'orders-relay')
    journal.act('events sent again', 'both exchanges', 2)
    const lines = report({ journal }).split('\n')
    assert.deepEqual(lines.slice(lines.indexOf('| --- | --- | --- | --- |') + 1, -1), [
      '| kill | 1 | 1 | 0 |',
      '| events sent again: both exchanges | 2 | 42 | 0 |',
      '| stop: orders-relay | 1 | 1 | 0 |',
    ])
  })

  it('shows each limit, and what came nearest to it', async () => {
    const journal = new Journal()
    const growth = { what: 'growth', limit: 40, unit: 'MB' } as const
    for (const value of [3, 12, 5]) journal.measure({ ...growth, value })
    const least = { limit: 9_600, unit: 'orders', isLeast: true } as const
    for (const value of [12_000, 11_000]) journal.measure({ what: 'accepted', ...least, value })
    assert.equal(await journal.within(20_000, 'final', async () => true), true)
    assert.match(
      report({ journal }),
      /\| growth \| 3 \| 12 MB \| at most 40 MB \|\n\| accepted \| 2 \| 11,000 orders \| at least 9,600 orders \|\n\| final \| 1 \| 0\.0 s \| at most 20\.0 s \|/,
    )
  })

  it('calls what is a bit less than nothing nothing', () => {
    const journal = new Journal()
    journal.measure({ what: 'later than usual', value: -1, limit: 2_000, unit: 'ms' })
    assert.match(report({ journal }), /\| later than usual \| 1 \| 0\.0 s \|/)
  })

  it('is the same for programs', () => {
    const journal = new Journal()
    journal.act('alarm', 'broker')
    const outcome = outcomeOf({ journal, standstillsMs: [6_000] })
    const json = jsonOf({ title: 'x10', command: 'npm run chaos -- --only x10', outcome })
    const counts = [{ what: 'alarm: broker', times: 1, hits: 1, missed: 0 }]
    const { standstillsMs } = outcome
    assert.partialDeepStrictEqual(json, { title: 'x10', counts, standstillsMs, limits: [] })
  })
})
