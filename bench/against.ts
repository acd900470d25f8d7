import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { repositoryDir } from '#local/stack/paths.ts'
import { type Comparison, compare, type Measured } from './comparison.ts'
import { rounds } from './measurement.ts'
import type { Options } from './options.ts'

/**
 * Measures this build and the build of another commit in turn, in one run, each by its own
 * benchmark in a process of its own. So both have the same machine, servers and settings, and
 * whatever else the machine does meanwhile, it does to both. Throws when a side fails.
 */
export async function measureAgainst(
  { against, quick }: Options & { against: string },
  names: string[],
  progress: (line: string) => void,
): Promise<Comparison[]> {
  await using other = await checkOut(against, progress)
  const runs: Record<Side, Measured[][]> = { ours: [], theirs: [] }
  for (const name of names) {
    for (let round = 1; round <= rounds; round++) {
      for (const side of orderOf(round)) {
        progress(`${name}, round ${round} of ${rounds}, ${side}`)
        const dir = side === 'ours' ? repositoryDir : other.dir
        runs[side].push(await measure(dir, name, quick))
      }
    }
  }
  return compare(runs.ours.flat(), runs.theirs.flat())
}

type Side = 'ours' | 'theirs'

/** Each side is the first one in turn, so that a machine that gets slower favours neither. */
const orderOf = (round: number): Side[] =>
  round % 2 === 1 ? ['theirs', 'ours'] : ['ours', 'theirs']

/** A work tree of the commit with the dependencies of its own lock file, until disposed of. */
async function checkOut(commit: string, progress: (line: string) => void) {
  const dir = mkdtempSync(join(tmpdir(), 'orders-payments-against-'))
  await using stack = new AsyncDisposableStack()
  stack.defer(() => rmSync(dir, { recursive: true, force: true }))
  await run('git', ['worktree', 'add', '--quiet', '--detach', dir, commit], repositoryDir)
  stack.defer(() => run('git', ['worktree', 'remove', '--force', dir], repositoryDir))
  progress(`Installing the dependencies of ${commit}`)
  await run('npm', ['run', '--silent', 'precheck'], dir)
  const owned = stack.move()
  return { dir, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

async function measure(dir: string, name: string, quick: boolean): Promise<Measured[]> {
  const results = mkdtempSync(join(tmpdir(), 'orders-payments-figures-'))
  try {
    const file = join(results, 'figures.json')
    const size = quick ? ['--quick'] : []
    const args = ['run', '--silent', 'bench', '--', '--only', name, '--json', file, ...size]
    await run('npm', args, dir)
    return JSON.parse(readFileSync(file, 'utf8'))
  } finally {
    rmSync(results, { recursive: true, force: true })
  }
}

/**
 * What the command prints on its output is progress. Throws unless it succeeds. A signal to this
 * process ends the command, so that what was begun is cleared away.
 */
async function run(command: string, args: string[], cwd: string): Promise<void> {
  const child = spawn(command, args, { cwd, env: withoutNpm(), stdio: ['ignore', 2, 2] })
  const forward = (signal: NodeJS.Signals) => void child.kill(signal)
  for (const name of signals) process.on(name, forward)
  const [code, signal] = await once(child, 'exit')
  for (const name of signals) process.off(name, forward)
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${code ?? signal}`)
}

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** The other tree finds its own Node and its own scripts. */
const withoutNpm = (): NodeJS.ProcessEnv => ({
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('npm_'))),
  PATH: process.env.PATH?.split(':')
    .filter((dir) => !dir.startsWith(repositoryDir))
    .join(':'),
})
