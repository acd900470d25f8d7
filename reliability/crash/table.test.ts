import assert from 'node:assert/strict'
import type { Verdict } from '../judge/verdict.ts'
import type { Crash } from './cells.ts'
import { headingOf } from './headings.ts'
import type { CrashRun } from './run.ts'
import { faultPointTable, pairTable, sayRedriven } from './table.ts'

const none = { ok: 0, recovered: 0, lost: 0, duplicated: 0, unexpected: 0, stuck: 0 }

function runOf(crashes: Crash[], { ok = 1, requestedAgain = 0, redriven = 0 } = {}): CrashRun {
  const verdict: Verdict = { orders: { ...none, ok }, faults: [], requestedAgain, refunded: 0 }
  const results = crashes.map((crash) => ({ cell: [crash], unreached: [], tookMs: 1 }))
  return { results, verdict, faults: [], instances: 3, redriven, tookMs: 30_000 }
}

const kill = (when: Crash['when'], point: string, asBefore?: string): Crash => ({
  ...{ process: 'orders-api', point, when, action: 'exit' },
  ...(asBefore && { asBefore }),
})

describe('the table of the fault points', () => {
  it('counts the kills of each fault point, and names the kill that stood for two', () => {
    const table = faultPointTable([
      runOf([kill('before', 'begin'), kill('after', 'begin', 'insert x')]),
    ])
    assert.match(table, /\| orders-api \| begin \| 1 \| 1 \|/)
    assert.match(table, /\| orders-api \| insert x \| with: after begin \| 0 \|/)
  })

  it('has a line of what all runs came to, with the messages that were redriven', () => {
    const runs = [runOf([], { redriven: 2 }), runOf([], { ok: 4, requestedAgain: 4, redriven: 1 })]
    assert.deepEqual(faultPointTable(runs).split('\n').slice(0, 3), [
      '0 fault points, 0 crashes, 6 processes started; orders: ok 1; ok 4, requested again 4.',
      'No promise was broken.',
      '3 messages were dead-lettered as crash loops, since their consumer was killed while it handled them, and were redriven.',
    ])
  })
})

describe('what was redriven', () => {
  it('is said, also of one and of none', () => {
    assert.match(sayRedriven(1), /^1 message .* was redriven\.$/)
    assert.match(sayRedriven(0), /^No message was dead-lettered/)
  })

  it('is said of pairs too', () => {
    const run = runOf([kill('before', 'begin')], { redriven: 5 })
    assert.match(
      pairTable(7, { possible: 90, run }),
      /^Seed 7: 1 of 90 pairs in 0\.5 min\n\(2\.0 a minute\), 3 processes started; orders: ok 1\.\n5 messages/,
    )
  })
})

describe('the heading of a table in a file', () => {
  for (const work of ['fault-points', 'pairs', 'mutants'] as const) {
    it(`of ${work} is a title, the command and what the words mean`, () => {
      assert.match(headingOf(work, `npm run crash -- --${work}`), /^# \w.*\n\n`npm run .*`\n\n\w/)
    })
  }

  it('explains each column of the mutants', () => {
    const head = headingOf('mutants', '')
    for (const column of ['switched off', 'in', 'why it is there', 'caught by', 'given away by']) {
      assert.ok(head.includes(`_${column}_`), column)
    }
  })
})
