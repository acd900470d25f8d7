import assert from 'node:assert/strict'
import { reportOf } from './command.ts'
import type { Finding } from './findings.ts'

describe('the report of reconcile', () => {
  const uncounted: Finding = { kind: 'dead-letters-uncounted', message: 'the broker is away: …' }
  const broken: Finding = { kind: 'debit-without-order', order_id: 'o', message: 'a debit …' }

  it('says that the databases agree when nothing was found', () => {
    const { isFine, text } = reportOf([])
    assert.deepEqual([isFine, text], [true, 'The databases agree.'])
  })

  it('is none when the dead letters could not be counted and all else agrees', () => {
    assert.throws(() => reportOf([uncounted]), {
      code: 'unavailable',
      message: 'Nothing else was found, but the broker is away: …',
    })
  })

  it('lists what was found although the dead letters could not be counted', () => {
    const { isFine, json } = reportOf([broken, uncounted])
    assert.deepEqual([isFine, json], [false, { findings: [broken, uncounted] }])
  })

  it('is given when something was repaired, whatever was not counted', () => {
    const repaired = { requested_again: [], rescheduled: ['e'] }
    const { isFine, json } = reportOf([uncounted], repaired)
    assert.deepEqual([isFine, json], [false, { findings: [uncounted], repaired }])
  })

  it('says after a repair what it has left for people to decide', () => {
    const stuck: Finding = { kind: 'pending-too-long', order_id: 'p', message: 'pending …' }
    const repaired = { requested_again: ['p'], rescheduled: [] }
    const { text } = reportOf([broken, stuck], repaired)
    assert.match(
      text,
      /\nNot repaired, for people to decide: 1 finding\. See .*docs\/runbook\.md\.$/,
    )
    assert.doesNotMatch(reportOf([stuck], repaired).text, /people/)
    assert.doesNotMatch(reportOf([broken]).text, /people/)
  })

  it('says that a repair has ended early, and is not fine then', () => {
    const repaired = { requested_again: ['o'], rescheduled: [], error: 'the database is away' }
    for (const findings of [[], [uncounted]]) {
      const { isFine, text, json } = reportOf(findings, repaired)
      assert.deepEqual([isFine, json], [false, { findings, repaired }])
      assert.match(
        text,
        /the payment or refund of 1 order was requested again.*\nNot all: the database is away/,
      )
    }
  })
})
