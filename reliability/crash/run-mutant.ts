import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { postgresServer, rabbitmqServer } from '#testing/servers.ts'
import type { CaughtByTest, Mutant } from './mutants/mutant.ts'
import { runScenario, type ScenarioName } from './scenarios.ts'

export interface MutantResult {
  mutant: Mutant
  /** What gave it away; undefined when it survived. */
  givenAwayBy: string | undefined
  tookMs: number
}

/** How long everything may take to end: a mutant that leaves something stuck takes all of it. */
const settleMs = 30_000

/** Lets a mutant loose on what should catch it. */
export async function runMutant(mutant: Mutant): Promise<MutantResult> {
  const startedAt = performance.now()
  const { caughtBy } = mutant
  const givenAwayBy =
    'scenario' in caughtBy
      ? await inScenario(mutant, caughtBy.scenario)
      : await inTest(mutant, caughtBy)
  return { mutant, givenAwayBy, tookMs: performance.now() - startedAt }
}

async function inScenario({ name }: Mutant, scenario: ScenarioName) {
  const { faults } = await runScenario(scenario, { MUTANT: name }, settleMs)
  return faults[0]
}

/** What runs already, so that a test need not start its own. */
async function servers() {
  const { address, managementUrl } = await rabbitmqServer()
  return {
    TEST_POSTGRES_URL: (await postgresServer()).url('postgres'),
    TEST_RABBITMQ_MANAGEMENT_URL: managementUrl,
    TEST_AMQP_ADDRESS: address,
  }
}

/** The first failing test. */
async function inTest({ name }: Mutant, { test: file, titled, hasOwnServers }: CaughtByTest) {
  const mutate = pathToFileURL(join(import.meta.dirname, 'mutate.ts')).href
  const env = {
    ...process.env,
    MUTANT: name,
    NODE_OPTIONS: `--import ${mutate}`, // also in what the test starts
    ...(!hasOwnServers && (await servers())),
  }
  const grep = titled ? ['--grep', titled] : []
  const args = ['node_modules/mocha/bin/mocha.js', file, ...grep, '--reporter', 'json']
  const child = spawn(process.execPath, args, {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk
  })
  await once(child, 'close')
  return firstFailure(output)
}

/**
 * Throws when no test ran: that would catch nothing, and a mutant that does not load proves
 * nothing.
 */
function firstFailure(output: string): string | undefined {
  const start = output.indexOf('{\n  "stats"')
  if (start < 0) throw new Error(`No test ran:\n${output.slice(-2_000)}`)
  const { stats, failures } = JSON.parse(output.slice(start)) as {
    stats: { tests: number }
    failures: { fullTitle: string; err: { message?: string } }[]
  }
  if (stats.tests === 0 && failures.length === 0) throw new Error('No test ran')
  const [first] = failures
  return first && `${first.fullTitle}: ${first.err.message?.split('\n')[0]}`
}
