import { writeFileSync } from 'node:fs'
import { dropTemplates } from '#testing/database.ts'
import { stopServers } from '#testing/servers.ts'
import { headingOf } from './headings.ts'
import { mutants } from './mutants/all.ts'
import { commandOf, type Options, parseOptions, usage } from './options.ts'
import { runPairs } from './pairs.ts'
import { runRetryCrashes } from './payment-request-retry.ts'
import { runRetentionCrashes } from './retention.ts'
import { runCrashes } from './run.ts'
import { type MutantResult, runMutant } from './run-mutant.ts'
import { runScenario, type ScenarioName, scenarios } from './scenarios.ts'
import { faultPointTable, mutantTable, pairTable } from './table.ts'

const startedAt = performance.now()
const progress = (line: string) => {
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(0)
  console.error(`${seconds.padStart(5)} s  ${line}`)
}

async function faultPoints(): Promise<Report> {
  const options = { isExhaustive: true, progress }
  const runs = [
    await runCrashes({ cells: (recorded) => recorded, ...options }),
    await runRetryCrashes(options),
    await runRetentionCrashes(options),
  ]
  return { table: faultPointTable(runs), faults: runs.flatMap(({ faults }) => faults) }
}

async function pairs(seed: number, minutes: number): Promise<Report> {
  const pairs = await runPairs({ seed, minutes, progress })
  return { table: pairTable(seed, pairs), faults: pairs.run.faults }
}

/** A scenario that is red by itself could catch nothing, so each is first run as it is. */
async function runMutants(only: string[]): Promise<Report> {
  const chosen = mutants.filter(({ name }) => only.length === 0 || only.includes(name))
  const needed = new Set<ScenarioName>()
  for (const { caughtBy } of chosen) if ('scenario' in caughtBy) needed.add(caughtBy.scenario)
  for (const name of Object.keys(scenarios) as ScenarioName[])
    if (only.includes(name)) needed.add(name)
  const faults: string[] = []
  for (const name of needed) {
    const verdict = await runScenario(name, {}, 60_000)
    progress(`${verdict.faults.length === 0 ? 'green' : 'RED'} without a mutant: ${name}`)
    faults.push(...verdict.faults.map((fault) => `${name}, without a mutant: ${fault}`))
  }
  const results: MutantResult[] = []
  for (const mutant of chosen) {
    const one = await runMutant(mutant)
    results.push(one)
    progress(`${mutant.name} ${one.givenAwayBy ? `caught: ${one.givenAwayBy}` : 'SURVIVED'}`)
    if (!one.givenAwayBy) faults.push(`${mutant.name} survived`)
  }
  return { table: mutantTable(results), faults }
}

interface Report {
  table: string
  faults: string[]
}

const works: Record<Options['work'], (options: Options) => Promise<Report>> = {
  'fault-points': faultPoints,
  pairs: ({ seed, minutes }) => pairs(seed, minutes),
  mutants: ({ only }) => runMutants(only),
}

function options(): Options {
  try {
    const names = [...mutants.map(({ name }) => name), ...Object.keys(scenarios)]
    const parsed = parseOptions(process.argv.slice(2), names)
    if (parsed) return parsed
    console.log(usage)
    process.exit(0)
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${usage}`)
    process.exit(64)
  }
}

async function report(options: Options): Promise<Report> {
  try {
    return await works[options.work](options)
  } finally {
    await dropTemplates()
    await stopServers()
  }
}

const asked = options()
const { table, faults } = await report(asked)
const head = headingOf(asked.work, commandOf(asked))
if (asked.markdown) writeFileSync(asked.markdown, `${head}\n\n${table}\n`)
console.log(table)
for (const fault of faults) console.error(fault)
process.exit(faults.length === 0 ? 0 : 1)
