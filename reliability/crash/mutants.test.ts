import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { editsOf, mutants, replaceOnce } from './mutants.ts'

const root = join(import.meta.dirname, '../..')

describe('the mutants', () => {
  it('are at least 20, each with a name of its own', () => {
    assert.ok(mutants.length >= 20)
    assert.equal(new Set(mutants.map(({ name }) => name)).size, mutants.length)
  })

  for (const mutant of mutants) {
    it(`${mutant.name} still finds what it switches off`, () => {
      for (const edit of editsOf(mutant)) {
        const source = readFileSync(join(root, edit.file), 'utf8')
        assert.notEqual(replaceOnce(source, edit), source)
      }
    })
  }

  for (const { name, caughtBy } of mutants) {
    if ('scenario' in caughtBy) continue
    it(`${name} is caught by tests that are there`, () => {
      assert.ok(existsSync(join(root, caughtBy.test)))
      const text = readFileSync(join(root, caughtBy.test), 'utf8')
      assert.ok(new RegExp(caughtBy.titled).test(text), caughtBy.titled)
    })
  }

  it('are refused when what they switch off is gone, or there twice', () => {
    const mutant = { file: 'x.ts', text: 'a', replacement: 'b' }
    assert.equal(replaceOnce('cat', mutant), 'cbt')
    assert.throws(() => replaceOnce('dog', mutant), /0 times/)
    assert.throws(() => replaceOnce('banana', mutant), /3 times/)
  })
})
