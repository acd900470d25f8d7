import { pause } from '#chassis/pause.ts'
import { until } from '#local/supervisor/waiting.ts'
import { type Field, sendSignal } from './field.ts'
import type { Fault } from './schedule.ts'
import type { System } from './system.ts'

type Of<Kind> = Extract<Fault, { kind: Kind }>

export const killProcesses = async ({ victims }: Of<'kill'>, { system }: Field) =>
  victims.filter((name) => sendSignal(system.pidOf(name), 'SIGKILL')).length

export async function stopProcess(
  { victim, forMs }: Of<'stop'>,
  { system, signal }: Field,
): Promise<number> {
  const pid = system.pidOf(victim)
  if (!sendSignal(pid, 'SIGSTOP')) return 0
  await pause(forMs, signal)
  sendSignal(pid, 'SIGCONT')
  return 1
}

export const killGateway = async ({ signal }: Of<'kill gateway'>, { system }: Field) =>
  sendSignal(system.pidOf('nginx'), signal) ? 1 : 0

/** SIGTERM for each process, one at a time, as a deployment does. */
export async function rollAll(_: Of<'roll'>, { system, signal }: Field): Promise<number> {
  let rolled = 0
  for (const name of system.processes) {
    if (signal.aborted) break
    rolled += (await roll(system, name, signal)) ? 1 : 0
  }
  return rolled
}

/** Stops one in order and waits, 20 s at most, until it is back. */
async function roll(system: System, name: string, signal: AbortSignal): Promise<boolean> {
  const before = system.pidOf(name)
  if (!sendSignal(before, 'SIGTERM')) return false
  const isBack = async () => {
    const pid = system.pidOf(name)
    return pid !== undefined && pid !== before && (await system.isReady(name))
  }
  return until(isBack, { timeoutMs: 20_000, signal })
}
