import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { guardedCommand } from '#local/supervisor/command.ts'

/** Where a developer's own stack is, and its servers: no command of a test may meet them. */
const nobodysStack = {
  LOCAL_DIR: undefined,
  AMQP_URL: undefined,
  ORDERS_DATABASE_URL: undefined,
  PAYMENTS_DATABASE_URL: undefined,
}

/**
 * A command as a reader pastes it into a shell: its exit code, and all that it said. After
 * `timeoutMs` it is told to end, with all that it has started, and the code is null.
 */
export async function paste(
  command: string,
  {
    cwd,
    env = {},
    timeoutMs = 60_000,
  }: { cwd: string; env?: NodeJS.ProcessEnv; timeoutMs?: number },
): Promise<{ code: number | null; output: string }> {
  const guarded = guardedCommand(['bash', '-c', `exec 2>&1; ${command}`], { deathSignal: 'TERM' })
  const child = spawn(guarded.file, guarded.args, {
    ...guarded.options,
    cwd,
    env: { ...process.env, ...nobodysStack, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const end = setTimeout(() => process.kill(-(child.pid as number), 'SIGTERM'), timeoutMs)
  const [output, [code]] = await Promise.all([text(child.stdout as never), once(child, 'close')])
  clearTimeout(end)
  return { code, output }
}
