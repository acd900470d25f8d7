import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { repositoryDir } from '#local/stack/paths.ts'

/** The files of another commit, with the dependencies of its own lock file, until disposed of. */
export interface CheckedOut extends AsyncDisposable {
  dir: string
}

/**
 * Copies the files of a commit into a folder of their own, and installs their dependencies. Throws
 * an Error that says what to do when this clone does not have the commit.
 */
export async function checkOut(
  commit: string,
  progress: (line: string) => void,
): Promise<CheckedOut> {
  await runCommand('git', ['cat-file', '-e', `${commit}^{commit}`], repositoryDir).catch(() => {
    throw new Error(
      `This clone does not have the commit ${commit}. A shallow clone gets it by: git fetch --unshallow`,
    )
  })
  const dir = mkdtempSync(join(tmpdir(), 'orders-payments-commit-'))
  await using stack = new AsyncDisposableStack()
  stack.defer(() => rmSync(dir, { recursive: true, force: true }))
  const archive = join(dir, 'archive.tar')
  await runCommand('git', ['archive', '--output', archive, commit], repositoryDir)
  await runCommand('tar', ['-xf', archive], dir)
  progress(`Installing the dependencies of ${commit}`)
  await runCommand('npm', ['run', '--silent', 'precheck'], dir)
  const owned = stack.move()
  return { dir, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

/**
 * Runs a command of another tree. What it prints on its output is progress. Throws unless it
 * succeeds. A signal to this process ends the command, so that what was begun is cleared away.
 */
export async function runCommand(
  command: string,
  args: string[],
  cwd: string,
  env: NodeJS.ProcessEnv = {},
): Promise<void> {
  const options = { cwd, env: { ...withoutNpm(), ...env }, stdio: ['ignore', 2, 2] as never }
  const child = spawn(command, args, options)
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
