import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import * as publicApi from './index.ts'

describe('the public API of the engine', () => {
  it('is described in the README, export by export', () => {
    const readme = readFileSync('messaging/README.md', 'utf8')
    const rows = readme.split('\n').filter((line) => line.startsWith('| `'))
    const described = rows.flatMap((row) =>
      [...(row.split('|')[1] ?? '').matchAll(/`(\w+)/g)].map(([, name]) => name),
    )
    assert.deepEqual(
      Object.keys(publicApi).filter((name) => !described.includes(name)),
      [],
    )
  })
})
