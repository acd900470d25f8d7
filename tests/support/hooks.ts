import { assertNoChildren } from './child-processes.ts'
import { dropTemplates } from './database.ts'
import { stopServers } from './servers.ts'
import { stopSharedStack } from './shared-stack.ts'

/** An unhandled rejection fails the running test. Mocha alone would ignore it. */
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
