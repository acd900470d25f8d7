import assert from 'node:assert/strict'
import { failureColumn } from '#testing/failure-table.ts'
import { onFailure } from './handle-events.ts'

describe('handleEvents', () => {
  it('treats each failure as ARCHITECTURE.md says', () => {
    assert.deepEqual(onFailure, failureColumn('consumer'))
  })
})
