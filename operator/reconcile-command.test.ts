import assert from 'node:assert/strict'
import type { Finding } from './findings.ts'
import { reportOf } from './reconcile-command.ts'

describe('the report of reconcile', () => {
  const uncounted: Finding = { kind: 'dead-letters-uncounted', message: 'another operator …' }
  const broken: Finding = { kind: 'debit-without-order', order_id: 'o', message: 'a debit …' }

  it('says that the books agree when nothing was found', () => {
    const { isFine, text } = reportOf([])
    assert.deepEqual([isFine, text], [true, 'The books agree.'])
  })

  it('is none when the dead letters could not be counted and all else agrees', () => {
    assert.throws(() => reportOf([uncounted]), { code: 'conflict', message: /dead letters/ })
  })

  it('lists what was found although the dead letters could not be counted', () => {
    const { isFine, json } = reportOf([broken, uncounted])
    assert.deepEqual([isFine, json], [false, { findings: [broken, uncounted] }])
  })

  it('is given when something was repaired, whatever was not counted', () => {
    const repaired = { asked_again: [], hurried: ['e'] }
    const { isFine, json } = reportOf([uncounted], repaired)
    assert.deepEqual([isFine, json], [false, { findings: [uncounted], repaired }])
  })
})
