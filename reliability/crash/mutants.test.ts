import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { applyEdit, fileOf } from './edit.ts'
import { mutants } from './mutants/all.ts'
import { editsOf } from './mutants/mutant.ts'
import { parse } from './syntax.ts'
import { undeclaredIn } from './undeclared.ts'

const root = join(import.meta.dirname, '../..')
const sourceOf = (file: string) => readFileSync(join(root, file), 'utf8')

describe('the mutants', () => {
  it('are at least 20, each with a name of its own', () => {
    assert.ok(mutants.length >= 20)
    assert.equal(new Set(mutants.map(({ name }) => name)).size, mutants.length)
  })

  for (const mutant of mutants) {
    it(`${mutant.name} still finds what it switches off`, () => {
      const edited = new Map<string, string>()
      for (const edit of editsOf(mutant)) {
        const file = fileOf(edit)
        const source = edited.get(file) ?? sourceOf(file)
        const result = applyEdit(source, edit)
        assert.notEqual(result, source)
        if (file.endsWith('.ts')) parse(result)
        if (edit.sql === undefined) assert.deepEqual(undeclaredIn(source, edit), [])
        edited.set(file, result)
      }
    })
  }

  for (const { name, caughtBy } of mutants) {
    if ('scenario' in caughtBy) continue
    it(`${name} is caught by tests that are there`, () => {
      assert.ok(existsSync(join(root, caughtBy.test)))
      assert.ok(new RegExp(caughtBy.titled).test(sourceOf(caughtBy.test)), caughtBy.titled)
    })
  }
})
