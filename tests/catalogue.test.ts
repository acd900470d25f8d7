import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'

/** `file`: titles of tests in it, or parts of them. */
const proof = /`([\w.-]+(?:\/[\w-]+)+)`(?:: ([^`|·]+))?/g

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

  it('names a test in each row, or says that there is none', () => {
    assert.ok(rows.length > 100)
    const named = /`[\w.-]+(\/[\w-]+)+`|`architecture\.test\.ts`|as [A-Z]\d+|—/
    const without = rows.filter((row) => !named.test(row.split('|').at(-2) ?? ''))
    assert.deepEqual(without, [])
  })

  it('names tests that are there, by words of their titles', () => {
    assert.ok(proofs.length > 100)
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
