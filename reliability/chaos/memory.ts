import { readdirSync, readFileSync } from 'node:fs'
import { pause } from '#local/supervisor/waiting.ts'
import type { System } from './system.ts'

/** Resident memory of a process in MB; NaN when there is no such process. */
export function megabytesOf(pid: number | undefined): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8')
    return Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1_024)
  } catch {
    return Number.NaN
  }
}

/** Files, connections and whatever else a process holds open; NaN when there is no such process. */
export function openFilesOf(pid: number | undefined): number {
  try {
    return readdirSync(`/proc/${pid}/fd`).length
  } catch {
    return Number.NaN
  }
}

const everySeconds = 30

/**
 * Looks every second at what each process takes, and says now and then what that is. Returns who
 * took so much more in the second half of the time than it ever did in the first, and who died.
 */
export async function watchMemory(
  { processes, pidOf }: System,
  options: {
    seconds: number
    growthMaxMb: number
    /** Gets how much more each process took. */
    measure: (grownMb: number) => void
    progress: (line: string) => void
  },
): Promise<string[]> {
  const samples = new Map(processes.map((name) => [name, { pid: pidOf(name), mb: [] as number[] }]))
  for (let second = 0; second < options.seconds; second++) {
    for (const { pid, mb } of samples.values()) mb.push(megabytesOf(pid))
    const latest = [...samples].map(([name, { mb }]) => `${name} ${mb.at(-1)}`)
    if (second % everySeconds === 0) options.progress(`MB: ${latest.join(', ')}`)
    await pause(1_000)
  }
  return [...samples].flatMap(([name, { mb }]) => {
    const grownMb = growthOf(mb)
    options.measure(grownMb)
    if (Number.isNaN(grownMb)) return [`${name} died`]
    return grownMb <= options.growthMaxMb ? [] : [`${name} grew by ${grownMb} MB`]
  })
}

function growthOf(mb: number[]): number {
  const half = Math.floor(mb.length / 2)
  return Math.max(...mb.slice(half)) - Math.max(...mb.slice(0, half))
}
