import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Paths } from '../stack/paths.ts'
import { type OwnProcess, ownProcesses } from './own-processes.ts'
import { until } from './waiting.ts'

/** Stops the processes that a killed run has left, and removes its files. */
export async function stopOrphans(paths: Paths, print: (line: string) => void): Promise<void> {
  const found = ownProcesses(paths)
  if (found.length > 0)
    print(`An earlier run was killed. Stopping its processes: ${describe(found)}`)
  for (const { pid, name } of found) signal(pid, name === 'postgres' ? 'SIGINT' : 'SIGKILL')
  await until(() => ownProcesses(paths).length === 0, { timeoutMs: 10_000 })
  await killAll(paths)
  removeRunFiles(paths.runDir)
}

/** Sends SIGKILL to all processes of a stack, and waits until they have ended. */
export async function killAll(paths: Paths): Promise<void> {
  for (const { pid } of ownProcesses(paths)) signal(pid, 'SIGKILL')
  await until(() => ownProcesses(paths).length === 0, { timeoutMs: 5_000 })
}

/**
 * Sends SIGKILL to all processes of a stack without waiting, for a supervisor that exits. The pid
 * files are valid during its own run only; without /proc there is nothing else.
 */
export function killAllNow(paths: Paths): void {
  for (const pid of recordedPids(paths.runDir)) signal(-pid, 'SIGKILL')
  for (const { pid } of ownProcesses(paths)) signal(pid, 'SIGKILL')
}

/** Removes the pid files and the addresses. */
export function removeRunFiles(runDir: string): void {
  const stale = readdirSync(runDir).filter((name) => /\.pid$|^addresses\.json$/.test(name))
  for (const name of stale) rmSync(join(runDir, name), { force: true })
}

function recordedPids(runDir: string): number[] {
  return readdirSync(runDir)
    .filter((name) => name.endsWith('.pid'))
    .map((name) => Number(readFileSync(join(runDir, name), 'utf8')))
}

function describe(found: OwnProcess[]): string {
  return [...new Set(found.map(({ name }) => name))].join(', ')
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch {
    // The process has ended meanwhile.
  }
}
