import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { guardedCommand } from '#local/command.ts'

/**
 * A command as a reader pastes it into a shell: its exit code, and all that it said. It ends, in
 * order, when the test is killed.
 */
export async function paste(
  command: string,
  { cwd, env = {} }: { cwd: string; env?: NodeJS.ProcessEnv },
): Promise<{ code: number | null; output: string }> {
  const guarded = guardedCommand(['bash', '-c', `exec 2>&1; ${command}`], { deathSignal: 'TERM' })
  const child = spawn(guarded.file, guarded.args, {
    ...guarded.options,
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [output, [code]] = await Promise.all([text(child.stdout as never), once(child, 'close')])
  return { code, output }
}
