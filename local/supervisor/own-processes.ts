import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import type { Paths } from '../stack/paths.ts'

/** The variable with the state directory, in the environment of every process of a stack. */
export const STACK_VARIABLE = 'ORDERS_PAYMENTS_STACK'

export type OwnProcess = { pid: number; name: string }

/** Programs that overwrite their environment, so they are identified by their working directory. */
const knownByFolder = ['postgres', 'nginx']

/**
 * The processes of the stack with this state directory, whoever started them, without the caller.
 * Without /proc the list is empty.
 */
export function ownProcesses(paths: Pick<Paths, 'stateDir' | 'sharedDir'>): OwnProcess[] {
  if (!existsSync('/proc/self/environ')) return []
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map((entry) => ({ pid: Number(entry), name: read(entry, 'comm').trim() }))
    .filter(({ pid }) => pid !== process.pid)
    .filter(({ pid, name }) => hasVariable(pid, paths.stateDir) || runsInside(pid, name, paths))
}

function hasVariable(pid: number, stateDir: string): boolean {
  return read(String(pid), 'environ').split('\0').includes(`${STACK_VARIABLE}=${stateDir}`)
}

function runsInside(
  pid: number,
  name: string,
  { stateDir, sharedDir }: Pick<Paths, 'stateDir' | 'sharedDir'>,
) {
  if (!knownByFolder.includes(name)) return false
  const folder = folderOf(pid)
  return [stateDir, sharedDir].some((dir) => folder.startsWith(`${dir}/`))
}

/** The working directory of a process; empty when the process is gone or not readable. */
export function folderOf(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/cwd`)
  } catch {
    return ''
  }
}

/** A file of /proc; empty when the process is gone or not readable. */
function read(pid: string, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8')
  } catch {
    return ''
  }
}
