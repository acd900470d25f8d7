import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { documentedCommands } from './documented.ts'

/** How each program that takes arguments is made to say which. */
const helps: Record<string, string[]> = {
  start: ['--help'],
  roles: ['--help'],
  operator: ['reconcile', '--help'],
  bench: ['--help'],
  chaos: ['--help'],
  crash: [],
  fuzz: ['--help'],
  model: ['--help'],
  scaling: ['--help'],
}

describe('the command lines in the documents', function () {
  this.timeout(60_000)
  const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as {
    scripts: Record<string, string>
  }
  const shown = documentedCommands().map(({ args, ...command }) => ({
    ...command,
    flags: [...args.matchAll(/--[a-z-]+/g)].map(String),
  }))

  it('run scripts that exist', () => {
    assert.ok(shown.length > 30)
    for (const { where, name } of shown) assert.ok(name in scripts, where)
  })

  for (const [name, args] of Object.entries(helps)) {
    it(`give npm run ${name} only options that it knows`, () => {
      const [program = ''] = /\S+\.ts/.exec(scripts[name] ?? '') ?? []
      const { stdout, stderr } = spawnSync(process.execPath, [program, ...args], {
        encoding: 'utf8',
      })
      const known = `${stdout}${stderr}`
      for (const { where, flags } of shown.filter((one) => one.name === name)) {
        for (const flag of flags) assert.match(known, new RegExp(`${flag}\\b`), where)
      }
    })
  }

  it('give npm run test:cluster only the option that it looks for', () => {
    const program = readFileSync('tests/cluster/cluster.e2e.ts', 'utf8')
    const flags = new Set(
      shown.flatMap(({ name, flags }) => (name === 'test:cluster' ? flags : [])),
    )
    assert.deepEqual([...flags], ['--all'])
    assert.ok(program.includes(`process.argv.includes('--all')`))
  })

  it('give options to no other script', () => {
    const takers = [...Object.keys(helps), 'test:cluster']
    for (const { where, name, flags } of shown) {
      assert.ok(takers.includes(name) || flags.length === 0, where)
    }
  })
})
