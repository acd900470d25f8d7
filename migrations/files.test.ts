import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'

/** What node-pg-migrate takes for the beginning of a part, in any comment and in any case. */
const marker = /^\s*--[\s-]*(?:up|down)\s+migration/gim

const files = globSync('*/*.sql', { cwd: import.meta.dirname }).map((path) => ({
  path,
  text: readFileSync(`${import.meta.dirname}/${path}`, 'utf8'),
}))

describe('the files of migrations', () => {
  it('are found', () => assert.ok(files.length >= 8))

  /**
   * Without the first line a Down part would run as well; after a second one all above it would be
   * lost.
   */
  it('begin with `-- Up Migration`, and have no other line that begins a part', () => {
    const wrong = files.filter(
      ({ text }) =>
        !text.startsWith('-- Up Migration\n') || [...text.matchAll(marker)].length !== 1,
    )
    assert.deepEqual(
      wrong.map(({ path }) => path),
      [],
    )
  })

  it('have a number that nobody else has in the same database', () => {
    for (const service of ['orders', 'payments']) {
      const own = files.filter(({ path }) => /^both/.test(path) || path.startsWith(service))
      const numbers = own.map(({ path }) => /^\d{4}(?=-[a-z-]+\.sql$)/.exec(basename(path))?.[0])
      assert.ok(!numbers.includes(undefined))
      assert.equal(new Set(numbers).size, own.length)
    }
  })
})
