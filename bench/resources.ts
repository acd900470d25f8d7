import { readdirSync, readFileSync } from 'node:fs'

/** Kernel ticks per second, as /proc counts CPU time on every Linux that Node runs on. */
const ticksPerSecond = 100

/**
 * CPU milliseconds that a program has used since its start: the process, all that descend from it,
 * and those of them that have ended. Needs /proc.
 */
export function cpuMs(pid: number): number {
  const ticks = treeOf(pid).map((member) => {
    const [user = 0, system = 0, endedUser = 0, endedSystem = 0] = statOf(member).slice(11, 15)
    return user + system + endedUser + endedSystem
  })
  return (ticks.reduce((sum, value) => sum + value, 0) * 1_000) / ticksPerSecond
}

/** Megabytes of memory that a process, without its descendants, has in RAM. */
export function residentMegabytes(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return Number(kilobytes) / 1_024
}

function treeOf(root: number): number[] {
  const pids = readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))
  const children = Map.groupBy(pids.map(Number), (pid) => statOf(pid)[1] ?? 0)
  const descend = (pid: number): number[] => [pid, ...(children.get(pid) ?? []).flatMap(descend)]
  return descend(root)
}

/** The fields after the name, which may contain anything; empty when the process is gone. */
function statOf(pid: number): number[] {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return text
      .slice(text.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number)
  } catch {
    return []
  }
}
