import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, mkdirSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { bundle, bundleOf } from '#local/bundle/bundle.ts'
import { preparePaths, repositoryDir } from '#local/stack/paths.ts'
import { type ProcessName, portsFrom, processNames, processPort } from '#local/stack/ports.ts'
import { processPrograms } from '#local/stack/processes.ts'
import type { ServerUrls } from '#local/stack/settings.ts'
import { guardedCommand } from '#local/supervisor/command.ts'
import { lastLines } from '#local/supervisor/log-tail.ts'
import type { Program } from '#local/supervisor/program.ts'
import { freePortBase } from '#testing/free-ports.ts'
import { cutSignal } from './amqp-fault-points.ts'
import type { Note, Step } from './fault-points.ts'

/** One run of a process, from its start to its end, with what it is to do at its fault points. */
export interface Instance {
  name: ProcessName
  steps: Step[]
  pid: number
  /** Has it ended, and how. */
  end: () => { code: number | null; signal: NodeJS.Signals | null } | undefined
  ended: Promise<unknown>
  /** What it met and did until now. */
  notes: () => Note[]
  signal: (signal: NodeJS.Signals) => void
  logTail: () => string
}

export interface Fleet {
  start: (name: ProcessName, steps?: Step[]) => Instance
  /**
   * Cuts the present instance of a process off from the broker: what it has in hand comes again.
   */
  cut: (name: ProcessName) => void
  /** Where an API listens. */
  address: (name: ProcessName) => string
}

const preloads = ['mutate.ts', 'preload.ts'].map(
  (file) => pathToFileURL(join(import.meta.dirname, file)).href,
)

/** The fault points are in their modules, which the preload wraps. */
const drivers = ['pg', 'amqplib', 'ws']
const bundleDir = join(repositoryDir, 'node_modules/.cache/bundles-without-drivers')

/**
 * The six processes as the local stack runs them, one of each, but with the preload of the fault
 * points, and started by hand: nothing starts them again.
 */
export async function openFleet(
  dir: string,
  urls: ServerUrls,
  extra: NodeJS.ProcessEnv = {},
): Promise<Fleet> {
  const base = await freePortBase()
  const scale = Object.fromEntries(processNames.map((name) => [name, 1])) as never
  const settings = { ports: portsFrom(base), scale, fromSource: true }
  const paths = preparePaths(dir)
  const logLevel = process.env.CRASH_LOG_LEVEL ?? 'warn'
  const programs = processPrograms({ ...settings, paths, logLevel }, () => urls)
  if (!extra.MUTANT) await bundle(processNames, repositoryDir, bundleDir, drivers)
  const plans = join(dir, 'plans')
  mkdirSync(plans)
  let count = 0
  const instances = new Map<ProcessName, Instance>()
  return {
    address: (name) => `http://127.0.0.1:${processPort(base, name, 1)}`,
    start: (name, steps = []) => {
      const program = programs.find((candidate) => candidate.name === name) as Program
      const file = join(plans, `${name}.${++count}.jsonl`)
      const instance = startInstance(program, { name, steps, file, extra })
      instances.set(name, instance)
      return instance
    },
    cut: (name) => instances.get(name)?.signal(cutSignal),
  }
}

interface Planned {
  name: ProcessName
  steps: Step[]
  file: string
  extra: NodeJS.ProcessEnv
}

function startInstance(program: Program, { name, steps, file, extra }: Planned): Instance {
  const [mutate = '', preload = ''] = preloads
  // A short-lived process has no use for collecting garbage, nor for looking where links lead.
  const quick = [
    '--min-semi-space-size=64',
    '--max-semi-space-size=64',
    '--preserve-symlinks',
    '--preserve-symlinks-main',
  ]
  const imports = [...(extra.MUTANT ? ['--import', mutate] : []), '--import', preload]
  const [node = '', ...rest] = program.command
  // A mutant is an edit of a source.
  const main = extra.MUTANT ? (rest.at(-1) as string) : bundleOf(bundleDir, name)
  const command = [node, ...imports, ...rest.slice(0, -1), ...quick, main]
  const { file: executable, args, options } = guardedCommand(command, { deathSignal: 'KILL' })
  const log = openSync(program.logFile, 'a')
  const offset = existsSync(program.logFile) ? readFileSync(program.logFile).length : 0
  const env = { ...program.env, ...extra, CRASH_PLAN: JSON.stringify({ file, steps }) }
  const stdio: ['ignore', number, number] = ['ignore', log, log]
  const child = spawn(executable, args, { ...options, cwd: program.cwd, env, stdio })
  closeSync(log)
  return {
    name,
    steps,
    pid: child.pid as number,
    end: () => endOf(child),
    ended: once(child, 'exit'),
    notes: () => notesIn(file),
    signal: (signal) => void child.kill(signal),
    logTail: () => lastLines(program.logFile, offset),
  }
}

const endOf = ({ exitCode, signalCode }: ChildProcess) =>
  exitCode === null && signalCode === null ? undefined : { code: exitCode, signal: signalCode }

/** A line that is just being written is left for the next time. */
function notesIn(file: string): Note[] {
  if (!existsSync(file)) return []
  const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1)
  return lines.map((line) => JSON.parse(line) as Note)
}
