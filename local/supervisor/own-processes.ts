import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import type { Places } from '../stack/places.ts'

/** Every program of a stack carries its state directory in this variable, and so do its children. */
export const STACK_VARIABLE = 'ORDERS_PAYMENTS_STACK'

export type OwnProcess = { pid: number; name: string }

/** These overwrite their environment, so they are known by the folder they run in. */
const knownByFolder = ['postgres', 'nginx']

/**
 * The processes of the stack with this state directory, whoever started them, but never the caller.
 * Needs /proc: elsewhere the list is empty.
 */
export function ownProcesses(places: Pick<Places, 'stateDir' | 'sharedDir'>): OwnProcess[] {
  if (!existsSync('/proc/self/environ')) return []
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map((entry) => ({ pid: Number(entry), name: read(entry, 'comm').trim() }))
    .filter(({ pid }) => pid !== process.pid)
    .filter(({ pid, name }) => carriesName(pid, places.stateDir) || runsInside(pid, name, places))
}

function carriesName(pid: number, stateDir: string): boolean {
  return read(String(pid), 'environ').split('\0').includes(`${STACK_VARIABLE}=${stateDir}`)
}

function runsInside(
  pid: number,
  name: string,
  { stateDir, sharedDir }: Pick<Places, 'stateDir' | 'sharedDir'>,
) {
  if (!knownByFolder.includes(name)) return false
  const folder = folderOf(pid)
  return [stateDir, sharedDir].some((dir) => folder.startsWith(`${dir}/`))
}

/** The working directory of a process, empty when it is gone or not ours to see. */
export function folderOf(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/cwd`)
  } catch {
    return ''
  }
}

/** Empty when the process is gone or not ours to see. */
function read(pid: string, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8')
  } catch {
    return ''
  }
}
