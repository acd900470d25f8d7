import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { removeState } from '#local/stack/remove-state.ts'
import { copyRepository, removeDependencies, shellEnvironment, shellNode } from './clone.ts'
import { documentedCommands, quickCommand } from './documented.ts'
import { paste } from './paste.ts'

/**
 * Whatever a reader runs first, in an empty clone and with an old Node: the command installs what
 * it needs, and runs on the Node that it has installed. `npm run test:commands` does so with each
 * command; here those share a clone that install in the same words.
 */
describe('the first command in an empty clone', function () {
  this.timeout(180_000)
  const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as {
    scripts: Record<string, string>
  }
  const names = [...new Set(documentedCommands().map(({ name }) => name))].sort()
  const inSameWords = Map.groupBy(names, (name) => scripts[`pre${name}`] ?? '')
  /** Without and with a second program, whatever the arguments of that one are. */
  const hasOwnWay = (install: string) => /install(-servers)?\.\w+$/.test(install)
  const node = shellNode()
  let home: string

  before(async () => {
    home = await copyRepository()
    if (!node.runsTypeScript) return
    console.log(`      not shown: Node ${node.version} runs TypeScript by itself; Node 20 does not`)
  })
  after(() => removeState(home))

  it('brings the dependencies, and starts no second program in the shell that has done so', () => {
    const install =
      /^node local\/install\/install\.mjs( local\/install\/install-servers\.ts( [a-z -]+)?)?$/
    for (const name of names) assert.match(scripts[`pre${name}`] ?? '', install, name)
  })

  for (const [install, alike] of inSameWords) {
    describe(`with ${install}`, () => {
      before(() => hasOwnWay(install) && removeDependencies(home))

      for (const name of alike) {
        const command = quickCommand(name)
        it(command, async () => {
          const { code, output } = await paste(command, {
            ...{ cwd: home, env: shellEnvironment(), timeoutMs: 120_000 },
          })
          assert.equal(code, 0, `… ${output.slice(-3_000)}`)
        })
      }
    })
  }
})
