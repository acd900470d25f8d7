import { assertNoChildren } from './child-processes.ts'
import { dropTemplates } from './database.ts'
import { stopServers } from './servers.ts'
import { stopSharedStack } from './shared-stack.ts'

/**
 * Outside of tests it ends a process; mocha says nothing of it. It fails the test that runs then.
 */
process.on('unhandledRejection', (reason) => {
  throw reason
})

/**
 * For mocha's `--require`, with whatever kind of tests: servers start when a test first needs one,
 * and stop after the last. A run that leaves a child process behind fails.
 */
export const mochaHooks = {
  async afterAll(this: Mocha.Context) {
    this.timeout(120_000)
    await stopSharedStack()
    await dropTemplates()
    await assertNoChildren()
  },
}

export const mochaGlobalTeardown = stopServers
