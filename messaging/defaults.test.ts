import assert from 'node:assert/strict'
import { consumerDefaults, withDefaults } from './defaults.ts'

describe('withDefaults', () => {
  it('keeps what is given, and takes the default of what is missing or undefined', () => {
    const options = { queue: 'things', lingerMs: 0, concurrency: undefined as never }
    assert.deepEqual(withDefaults(consumerDefaults, options), {
      ...consumerDefaults,
      queue: 'things',
      lingerMs: 0,
    })
  })
})
