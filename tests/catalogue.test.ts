import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'

/** `file`: titles of tests in it, or parts of them. */
const proof =
  /`((?:chassis|contracts|local|migrations|operator|orders-\w+|payments-\w+|tests|frontend)\/[\w/-]+)`(?:: ([^`|·]+))?/g

describe('the catalogue of faults', () => {
  const text = readFileSync('docs/reliability/faults.md', 'utf8')
  const rows = text.split('\n').filter((line) => /^\| [A-Z]\d+ \|/.test(line))
  const proofs = rows.flatMap((row) =>
    [...(row.split('|').at(-2) ?? '').matchAll(proof)].map(([, file = '', titles = '']) => ({
      row: row.split('|')[1]?.trim(),
      file,
      titles: titles.replace(/\([^)]*\)/g, '').split(';'),
    })),
  )

  it('names tests that are there, by words of their titles', () => {
    assert.ok(proofs.length > 50)
    for (const { row, file, titles } of proofs) {
      const paths = globSync(`${file}{,.*}{.test,.e2e}.ts`)
      assert.ok(paths.length > 0, `${row}: there is no test ${file}`)
      const tests = paths.map((path) => readFileSync(path, 'utf8')).join('\n')
      const words = titles.flatMap((title) => title.match(/[A-Za-z]{4,}/g) ?? [])
      const missing = words.filter((word) => !tests.includes(word))
      assert.deepEqual(missing, [], `${row}: ${file} has no test of ${titles.join(', ')}`)
    }
  })
})
