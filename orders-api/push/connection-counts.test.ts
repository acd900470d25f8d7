import assert from 'node:assert/strict'
import { ConnectionCounts } from './connection-counts.ts'

describe('ConnectionCounts', () => {
  it('lets in as many of a user, and of an address, as there may be, and one for each that leaves', () => {
    const counts = new ConnectionCounts({ perUser: 2, perAddress: 3 })
    assert.equal(counts.add('alice', 'here'), undefined)
    assert.equal(counts.add('alice', 'there'), undefined)
    assert.equal(counts.add('alice', 'here'), 'user-connections')
    assert.equal(counts.add('bob', 'here'), undefined)
    assert.equal(counts.add(undefined, 'here'), undefined)
    assert.equal(counts.add('carol', 'here'), 'address-connections')
    counts.remove('alice', 'here')
    assert.equal(counts.add('alice', 'here'), undefined)
    assert.equal(counts.add('carol', 'here'), 'address-connections')
  })

  it('takes a user for no address of the same name', () => {
    const counts = new ConnectionCounts({ perUser: 1, perAddress: 1 })
    assert.equal(counts.add('10.0.0.1', '10.0.0.2'), undefined)
    assert.equal(counts.add('bob', '10.0.0.1'), undefined)
  })

  it('lets in any number where there is no limit', () => {
    const counts = new ConnectionCounts({ perUser: 0, perAddress: 0 })
    for (let n = 0; n < 1_000; n++) assert.equal(counts.add('alice', 'here'), undefined)
  })
})
