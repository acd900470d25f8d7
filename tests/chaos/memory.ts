import { readFileSync } from 'node:fs'
import { pause } from '#local/waiting.ts'
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

/** What every process of the stack takes, second by second. */
export class MemoryWatch {
  readonly #system: System
  readonly #samples = new Map<string, number[]>()

  constructor(system: System) {
    this.#system = system
  }

  /** Says every so often what each takes, in MB. */
  async watch(options: {
    seconds: number
    everySeconds: number
    progress: (line: string) => void
  }): Promise<void> {
    for (let second = 0; second < options.seconds; second++) {
      for (const name of this.#system.processes) this.#sample(name)
      if (second % options.everySeconds === 0) options.progress(`MB: ${this.#latest()}`)
      await pause(1_000)
    }
  }

  /** Who took so much more in the last third of the time than it ever did in the second. */
  grown(byMb: number): string[] {
    return [...this.#samples].flatMap(([name, samples]) => {
      const third = Math.floor(samples.length / 3)
      const [before, after] = [samples.slice(third, 2 * third), samples.slice(2 * third)]
      const grownMb = Math.max(...after) - Math.max(...before)
      if (Number.isNaN(grownMb)) return [`${name} did not live all the time`]
      return grownMb <= byMb ? [] : [`${name} grew by ${grownMb} MB`]
    })
  }

  #sample(name: string): void {
    const samples = this.#samples.get(name) ?? []
    samples.push(megabytesOf(this.#system.pidOf(name)))
    this.#samples.set(name, samples)
  }

  #latest = () => [...this.#samples].map(([name, all]) => `${name} ${all.at(-1)}`).join(', ')
}
