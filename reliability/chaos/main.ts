import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stopRequest } from '#local/supervisor/stop-requests.ts'
import type { Cell } from './cell.ts'
import { cells } from './cells/all.ts'
import { commandOf } from './command.ts'
import { type Options, parseOptions, usage } from './options.ts'
import type { Outcome } from './outcome.ts'
import { jsonOf, markdownOf, type Reported } from './report.ts'
import { runRandom } from './run.ts'
import { type System, type SystemOptions, startSystem } from './system.ts'

const startedAtMs = performance.now()

/** Progress goes to the error stream, so that the tables alone can be piped. */
function progress(line: string): void {
  const seconds = ((performance.now() - startedAtMs) / 1_000).toFixed(0)
  console.error(`${seconds.padStart(5)} s  ${line}`)
}

/** By a signal, in the middle of a run. */
class Stopped extends Error {}

/** At a second signal nothing is waited for. */
const stopped = stopRequest(() => process.exit(130)).then(() => undefined)

/**
 * A new system for each, and its logs kept if it went wrong. Leaves nothing behind when stopped.
 */
async function reported(
  options: Options,
  head: Omit<Reported, 'outcome'>,
  env: SystemOptions,
  run: (system: System, dir: string) => Promise<Outcome>,
): Promise<Reported> {
  const { title } = head
  progress(`${title}: starting PostgreSQL, RabbitMQ and the stack`)
  using folder = temporaryFolder()
  const { dir } = folder
  await using system = await startSystem(env)
  const keep = (report: string) => archive(options, dir, system.dir, report)
  const outcome = await Promise.race([run(system, dir), stopped]).catch((error: unknown) => {
    keep(`${title}: ${error instanceof Error ? error.stack : error}`)
    throw error
  })
  if (!outcome) throw new Stopped()
  const report = markdownOf({ ...head, outcome })
  console.log(`\n${report}\n`)
  if (outcome.faults.length > 0) keep(report)
  return { ...head, outcome }
}

/** For what a run writes down; gone with the run, however it ends. */
function temporaryFolder(): { dir: string } & Disposable {
  const dir = mkdtempSync(join(tmpdir(), 'orders-payments-run-'))
  return { dir, [Symbol.dispose]: () => rmSync(dir, { recursive: true, force: true }) }
}

/** What is needed to find out: who asked and was told what, what was done, what was logged. */
function archive(options: Options, dir: string, systemDir: string, report: string): void {
  const { seed } = options
  const to = join(options.archive, `seed-${seed}-${new Date().toISOString().replace(/[:.]/g, '-')}`)
  mkdirSync(to, { recursive: true })
  cpSync(dir, to, { recursive: true })
  for (const part of ['stack', 'postgres', 'broker']) {
    cpSync(join(systemDir, part, 'logs'), join(to, 'logs', part), { recursive: true })
  }
  writeFileSync(join(to, 'outcome.md'), `${report}\n`)
  progress(`RED with seed ${seed}: history and logs are in ${to}`)
}

function random(options: Options): Promise<Reported> {
  const { seed, minutes, paymentRequestRetry } = options
  const title = `seed ${seed}, ${minutes} min, payment request retry ${paymentRequestRetry ? 'on' : 'off'}`
  const durationMs = minutes * 60_000
  const head = { title, command: commandOf(options) }
  return reported(
    options,
    head,
    { paymentRequestTimeoutMs: paymentRequestRetry ? 30_000 : 0 },
    (system, dir) => runRandom(system, { ...options, durationMs, dir, progress }),
  )
}

function runCell(options: Options, cell: Cell): Promise<Reported> {
  const count = options.count ?? cell.count
  const title = `${cell.name}, ${count} times: ${cell.title}`
  const { paymentRequestTimeoutMs = 0, replicas = 2, hasCrashingRequests = false } = cell
  const head = { title, command: commandOf(options, cell) }
  return reported(
    options,
    head,
    { paymentRequestTimeoutMs, replicas, hasCrashingRequests },
    (system, dir) => cell.run(system, { seed: options.seed, count, dir, progress }),
  )
}

async function main(options: Options): Promise<boolean> {
  const wanted = cells.filter(({ name }) => options.only.includes(name))
  const unable = wanted.flatMap(({ name, unable }) => {
    const why = unable?.()
    return why === undefined ? [] : [`${name} cannot run here: it ${why}`]
  })
  if (unable.length > 0) throw new Error(unable.join('\n'))
  const all: Reported[] = []
  for (const cell of wanted) {
    all.push(await runCell(options, cell))
  }
  if (wanted.length === 0) all.push(await random(options))
  const { json, markdown } = options
  const write = (file: string, text: string) => writeFileSync(file, `${text}\n`)
  if (json) write(json, JSON.stringify(all.map(jsonOf), null, 2))
  if (markdown) write(markdown, all.map(markdownOf).join('\n\n'))
  return all.every(({ outcome }) => outcome.faults.length === 0)
}

function options(): Options {
  try {
    return parseOptions(
      process.argv.slice(2),
      cells.map(({ name }) => name),
    )
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${usage}`)
    process.exit(64)
  }
}

const wanted = options()
if (wanted.help) console.log(usage)
else if (wanted.list)
  for (const { name, title } of cells) console.log(`${name.padEnd(20)} ${title}`)
else {
  try {
    process.exit((await main(wanted)) ? 0 : 1)
  } catch (error) {
    if (!(error instanceof Stopped)) console.error(error)
    process.exit(error instanceof Stopped ? 130 : 2)
  }
}
