import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Places } from '../stack/places.ts'
import { type OwnProcess, ownProcesses } from './own-processes.ts'
import { until } from './waiting.ts'

/** Ends what a killed run left behind, and nothing else; then forgets that run. */
export async function stopLeftovers(places: Places, print: (line: string) => void): Promise<void> {
  const found = ownProcesses(places)
  if (found.length > 0) print(`An earlier run was killed; ending what it left: ${describe(found)}`)
  for (const { pid, name } of found) signal(pid, name === 'postgres' ? 'SIGINT' : 'SIGKILL')
  await until(() => ownProcesses(places).length === 0, { timeoutMs: 10_000 })
  await killAll(places)
  forgetRun(places.runDir)
}

/** SIGKILL for everything of this stack; returns when it is gone. */
export async function killAll(places: Places): Promise<void> {
  for (const { pid } of ownProcesses(places)) signal(pid, 'SIGKILL')
  await until(() => ownProcesses(places).length === 0, { timeoutMs: 5_000 })
}

/**
 * The same at once and without waiting, for the supervisor about to exit: only in its run do the
 * pid files tell the truth, and without /proc they are all there is.
 */
export function killRunNow(places: Places): void {
  for (const pid of recordedPids(places.runDir)) signal(-pid, 'SIGKILL')
  for (const { pid } of ownProcesses(places)) signal(pid, 'SIGKILL')
}

/** Removes the files that say what runs where. */
export function forgetRun(runDir: string): void {
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
    // It ended in this instant.
  }
}
