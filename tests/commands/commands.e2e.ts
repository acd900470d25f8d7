import assert from 'node:assert/strict'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  statSync,
  symlinkSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { removeState } from '#local/remove-state.ts'
import { smallestCommands } from './documented.ts'
import { paste } from './paste.ts'

/**
 * Everything that the documents tell a reader to run; what takes hours in its smallest form. The
 * containers are for test:compose, the sessions of README for npm test.
 */
describe('every command of README and docs', function () {
  const timeoutMs = 15 * 60_000
  this.timeout(timeoutMs + 60_000)
  let isRed = false
  const home = mkdtempSync(join(tmpdir(), 'orders-payments-commands-'))

  /** A copy of the repository, since some of them write into it. */
  before(async () => {
    const { output } = await paste('git ls-files -co --exclude-standard', { cwd: '.' })
    for (const file of output.trim().split('\n').filter(existsSync)) {
      mkdirSync(dirname(join(home, file)), { recursive: true })
      cpSync(file, join(home, file))
    }
    symlinkSync(resolve('node_modules'), join(home, 'node_modules'))
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
      const startedAtMs = Date.now()
      const { code, output } = await paste(command, { cwd: home, timeoutMs })
      assert.equal(code, 0, `… ${output.slice(-3_000)}`)
      for (const [, file = ''] of command.matchAll(/--(?:markdown|json|profile) (\S+)/g)) {
        const { mtimeMs = 0 } = statSync(join(home, file), { throwIfNoEntry: false }) ?? {}
        assert.ok(mtimeMs >= startedAtMs, `${file} was not written`)
      }
    })
  }

  it('the search of the model that spec/README.md shows step by step', async () => {
    const [, command = ''] =
      /```sh\n(spin [^\n]+)/.exec(readFileSync('spec/README.md', 'utf8')) ?? []
    const { output } = await paste(command, { cwd: home })
    assert.match(output, /errors: 1\b[\s\S]*handled\[1\] = 2/, output.slice(-3_000))
  })
})
