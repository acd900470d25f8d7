import assert from 'node:assert/strict'
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { removeState } from '#local/stack/remove-state.ts'
import { copyRepository, removeDependencies, shellEnvironment } from './clone.ts'
import { smallestCommands } from './documented.ts'
import { paste } from './paste.ts'

/**
 * Everything that the documents tell a reader to run, each script first in an empty copy of the
 * repository and on the Node of the shell; what takes hours in its smallest form. The containers
 * are for test:compose, the sessions of README for npm test.
 */
describe('every command of README and docs', function () {
  const timeoutMs = 15 * 60_000
  this.timeout(timeoutMs + 60_000)
  let isRed = false
  const env = shellEnvironment()
  const known = new Set<string>()
  let home: string

  /** A copy of the repository, since some of them write into it. */
  before(async () => {
    home = await copyRepository()
  })

  afterEach(function () {
    isRed ||= this.currentTest?.state === 'failed'
  })

  /** What went wrong has left its history and logs there. */
  after(async () => {
    if (isRed) console.log(`      kept: ${home}`)
    else await removeState(home)
  })

  for (const command of smallestCommands()) {
    it(command, async () => {
      const [script = ''] = command.split(' -- ')
      if (!known.has(script)) removeDependencies(home)
      known.add(script)
      const startedAtMs = Date.now()
      const { code, output } = await paste(command, { cwd: home, env, timeoutMs })
      assert.equal(code, 0, `… ${output.slice(-3_000)}`)
      for (const [, file = ''] of command.matchAll(/--(?:markdown|json|profile) (\S+)/g)) {
        const { mtimeMs = 0 } = statSync(join(home, file), { throwIfNoEntry: false }) ?? {}
        assert.ok(mtimeMs >= startedAtMs, `${file} was not written`)
      }
    })
  }

  it('the search of the model that reliability/model/README.md shows step by step', async () => {
    const [, command = ''] =
      /```sh\n(spin [^\n]+)/.exec(readFileSync('reliability/model/README.md', 'utf8')) ?? []
    const { output } = await paste(command, { cwd: home })
    assert.match(output, /errors: 1\b[\s\S]*handled\[1\] = 2/, output.slice(-3_000))
  })
})
