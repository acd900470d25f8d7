import assert from 'node:assert/strict'
import { isAsWanted, parsePan } from './pan.ts'

const clean = `
Full statespace search for:
	never claim         	+ (safety)

State-vector 144 byte, depth reached 107, errors: 0
  1659762 states, stored
  3361522 states, matched

Stats on memory usage (in Megabytes):
  254.843	equivalent memory usage for states
  364.336	total actual memory usage

pan: elapsed time 12.4 seconds
`

const broken = `
pan:1: assertion violated  !( !((debits[0]<=1))) (at depth 51)
pan: wrote orders.pml.trail

Warning: Search not completed

State-vector 104 byte, depth reached 52, errors: 1
      185 states, stored (2.54597e+06 visited)

  138.877	total actual memory usage
`

describe('parsePan', () => {
  it('reads what was searched, and how long it took', () => {
    assert.deepEqual(parsePan(clean), {
      states: 1_659_762,
      depth: 107,
      errors: 0,
      isComplete: true,
      seconds: 12.4,
      memoryMb: 365,
    })
  })

  it('reads an error, and that the search ended there', () => {
    const { errors, states, isComplete } = parsePan(broken)
    assert.deepEqual({ errors, states, isComplete }, { errors: 1, states: 185, isComplete: false })
  })

  it('reads large counts as pan writes them', () => {
    const output = clean.replace('1659762', '1.7439882e+07')
    assert.equal(parsePan(output).states, 17_439_882)
  })

  for (const limit of [
    'pan: reached -DMEMLIM bound',
    'error: max search depth too small',
    'Warning: Search not completed',
  ]) {
    it(`does not take a search for complete that said "${limit}"`, () => {
      assert.equal(parsePan(`${limit}\n${clean}`).isComplete, false)
    })
  }

  it('refuses what is no finding, and says what it is', () => {
    assert.throws(() => parsePan("pan: error: cannot find claim 'lively'"), /cannot find claim/)
  })
})

describe('isAsWanted', () => {
  it('wants the model without an error, searched to the end', () => {
    assert.equal(isAsWanted(parsePan(clean), false), true)
    assert.equal(isAsWanted(parsePan(broken), false), false)
    assert.equal(isAsWanted({ ...parsePan(clean), isComplete: false }, false), false)
  })

  it('wants an error of a mutant', () => {
    assert.equal(isAsWanted(parsePan(broken), true), true)
    assert.equal(isAsWanted(parsePan(clean), true), false)
  })
})
