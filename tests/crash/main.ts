import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { dropTemplates } from '#testing/database.ts'
import { stopServers } from '#testing/servers.ts'
import { sayOrders } from '../faults/verdict.ts'
import { type Hunted, hunt } from './hunt.ts'
import { mutants } from './mutants.ts'
import { runPairs } from './pairs.ts'
import { runCrashes } from './run.ts'
import { runScenario, type ScenarioName, scenarios } from './scenarios.ts'
import { mutantTable, seamTable } from './table.ts'

const usage = `npm run crash -- --seams | --pairs [--seed N] [--minutes M] | --mutants [--only NAME]

  --seams         kills every process before and after everything it does, one kill for each
  --pairs         pairs of such kills, drawn by the seed (1) until the time (10) is over
  --mutants       switches each protection off, to see it missed; first all scenarios without
  --only NAME     one mutant, or one scenario; repeatable
  --markdown FILE writes the table there`

const startedAt = performance.now()
const progress = (line: string) => {
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(0)
  console.error(`${seconds.padStart(5)} s  ${line}`)
}

async function seams(): Promise<Report> {
  const run = await runCrashes({ cells: (recorded) => recorded, isExhaustive: true, progress })
  return { table: seamTable(run), faults: run.faults }
}

async function pairs(seed: number, minutes: number): Promise<Report> {
  const { possible, run } = await runPairs({ seed, minutes, progress })
  const perMinute = (run.results.length / (run.tookMs / 60_000)).toFixed(1)
  const table = `Seed ${seed}: ${run.results.length} of ${possible} pairs in ${(run.tookMs / 60_000).toFixed(1)} min
(${perMinute} a minute), ${run.lives} lives; orders: ${sayOrders(run.verdict.orders)}.`
  return { table, faults: run.faults }
}

/** A scenario that is red by itself could catch nothing, so each is first run as it is. */
async function hunting(only: string[]): Promise<Report> {
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
  const hunted: Hunted[] = []
  for (const mutant of chosen) {
    const one = await hunt(mutant)
    hunted.push(one)
    progress(`${mutant.name} ${one.givenAwayBy ? `caught: ${one.givenAwayBy}` : 'SURVIVED'}`)
    if (!one.givenAwayBy) faults.push(`${mutant.name} survived`)
  }
  return { table: mutantTable(hunted), faults }
}

interface Report {
  table: string
  faults: string[]
}

async function report(): Promise<Report | undefined> {
  const { values } = parseArgs({
    options: {
      seams: { type: 'boolean' },
      pairs: { type: 'boolean' },
      mutants: { type: 'boolean' },
      seed: { type: 'string', default: '1' },
      minutes: { type: 'string', default: '10' },
      only: { type: 'string', multiple: true, default: [] },
      markdown: { type: 'string' },
    },
  })
  const work = values.seams
    ? seams
    : values.pairs
      ? () => pairs(Number(values.seed), Number(values.minutes))
      : values.mutants
        ? () => hunting(values.only)
        : undefined
  const result = await work?.()
  if (result && values.markdown) writeFileSync(values.markdown, `${result.table}\n`)
  return result
}

async function reportAndClean(): Promise<Report | undefined> {
  try {
    return await report()
  } finally {
    await dropTemplates()
    await stopServers()
  }
}

const result = await reportAndClean()
console.log(result?.table ?? usage)
for (const fault of result?.faults ?? []) console.error(fault)
process.exit(result === undefined ? 64 : result.faults.length === 0 ? 0 : 1)
