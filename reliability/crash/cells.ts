import { type ProcessName, processNames } from '#local/stack/ports.ts'
import { pause, until } from '#local/supervisor/waiting.ts'
import type { Life } from './fleet.ts'
import { provocationsOf } from './provoke.ts'
import type { Note, Step, When } from './seams.ts'
import type { System } from './system.ts'

/** One fault at one seam of one process. */
export interface Crash {
  process: ProcessName
  seam: string
  when: When
  action: Step['action']
  /** The seam before which it is as well, since nothing happens in between. */
  asBefore?: string
}

/**
 * What is done together: crashes of one process in one life after another, those of several
 * processes side by side.
 */
export type Cell = Crash[]

export interface CellResult {
  cell: Cell
  /** A seam that was not come to in time. */
  unreached: Crash[]
  tookMs: number
}

export interface Running {
  /** How long a crash may be waited for. */
  boundMs?: number
  /** No more cells are begun then. */
  signal?: AbortSignal
}

export const nameCrash = ({ process, seam, when, action }: Crash): string =>
  `${process}: ${action === 'exit' ? '' : `${action} `}${when} ${seam}`

/**
 * Works through cells, those of different processes side by side: each crash has a life of its
 * process to itself, and the next life begins where the last one ended.
 */
export class CellRunner {
  readonly lives = new Map<ProcessName, Life>()
  /** Lives that ended, though nothing was planned for them then. */
  readonly untimely: string[] = []
  readonly #system: System
  readonly #all: Life[] = []

  constructor(system: System) {
    this.#system = system
  }

  async run(cells: Cell[], { boundMs = 180_000, signal }: Running = {}) {
    const waiting = [...cells]
    const results: CellResult[] = []
    const busy = new Set<ProcessName>()
    const { promise, resolve, reject } = Promise.withResolvers<CellResult[]>()
    const begin = () => {
      if (signal?.aborted) waiting.length = 0
      for (const cell of [...waiting]) {
        if (busy.size === processNames.length) break
        const names = [...new Set(cell.map(({ process }) => process))]
        if (names.some((name) => busy.has(name))) continue
        waiting.splice(waiting.indexOf(cell), 1)
        for (const name of names) busy.add(name)
        this.#runCell(cell, boundMs).then((result) => {
          results.push(result)
          for (const name of names) busy.delete(name)
          begin()
        }, reject)
      }
      for (const name of processNames) if (!busy.has(name)) this.keepAlive(name)
      if (busy.size === 0) resolve(results)
    }
    begin()
    return promise
  }

  /** A life of this process in which nothing is planned. */
  keepAlive(name: ProcessName): Life {
    const life = this.lives.get(name)
    return life && !life.end() ? life : this.startLife(name, [])
  }

  startLife(name: ProcessName, steps: Step[]): Life {
    const life = this.#system.fleet.start(name, steps)
    this.lives.set(name, life)
    this.#all.push(life)
    return life
  }

  get lifeCount(): number {
    return this.#all.length
  }

  /** Ends all lives at once: for the end of a test that went wrong. */
  async killAll(): Promise<void> {
    for (const name of processNames) await this.endLife(name)
  }

  /** Everything that any life has met so far. */
  notes(): Map<ProcessName, Note[]> {
    const notes = new Map<ProcessName, Note[]>()
    for (const life of this.#all) {
      notes.set(life.name, [...(notes.get(life.name) ?? []), ...life.notes()])
    }
    return notes
  }

  async #runCell(cell: Cell, boundMs: number): Promise<CellResult> {
    const startedAt = performance.now()
    const unreached: Crash[] = []
    const sides = Map.groupBy(cell, ({ process }) => process)
    const side = async ([process, crashes]: [ProcessName, Crash[]]) => {
      for (const crash of crashes) {
        if (!(await this.#crash(crash, boundMs))) unreached.push(crash)
      }
      // Without it there may be nothing to do for the other, which would then not come to its
      // crash.
      if (sides.size > 1) this.keepAlive(process)
    }
    await Promise.all([...sides].map(side))
    return { cell, unreached, tookMs: performance.now() - startedAt }
  }

  /**
   * Whether it came to it. A life that does not is killed in the end, so that the next can begin.
   */
  async #crash(crash: Crash, boundMs: number): Promise<boolean> {
    await this.endLife(crash.process)
    const deadline = performance.now() + boundMs
    while (performance.now() < deadline) {
      const life = this.startLife(crash.process, stepsTo(crash))
      const taken = () => life.notes().filter((note) => 'taken' in note).length
      const isOver = () =>
        life.end() !== undefined || (crash.action !== 'exit' && taken() === life.steps.length)
      const over = new AbortController()
      const provoking = this.#provoke(crash, over.signal)
      await until(isOver, { timeoutMs: deadline - performance.now(), everyMs: 10 })
      over.abort()
      await provoking
      if (taken() === life.steps.length) return this.#afterwards(crash, life)
      if (!life.end()) break
      this.untimely.push(`${nameCrash(crash)}: it ended before, by itself\n${life.logTail()}`)
    }
    await this.endLife(crash.process)
    return false
  }

  async #afterwards({ action }: Crash, life: Life): Promise<true> {
    if (action === 'exit') await life.ended
    if (action !== 'stop') return true
    await pause(300)
    life.signal('SIGCONT')
    return true
  }

  async #provoke({ process, seam }: Crash, signal: AbortSignal): Promise<void> {
    const provocations = provocationsOf(process, seam)
    if (provocations.length === 0) return
    while (!signal.aborted) {
      await pause(500, signal)
      if (signal.aborted) return
      for (const bring of provocations) {
        await bring(this.#system, process, signal).catch(() => {})
      }
    }
  }

  /** Kills the present life of a process; nothing starts it again by itself. */
  async endLife(name: ProcessName): Promise<void> {
    const life = this.lives.get(name)
    if (!life || life.end()) return
    life.signal('SIGKILL')
    await life.ended
  }
}

/** A rollback needs an error before it: the answer to the last statement that worked is one. */
function stepsTo({ process, seam, when, action }: Crash): Step[] {
  const step: Step = { seam, when, action }
  if (!seam.startsWith('rollback of ') || process.endsWith('-api')) return [step]
  return [{ ...failingBefore(process, seam.slice('rollback of '.length)), action: 'throw' }, step]
}

/**
 * `deleteAttempts` is also made outside of a transaction, where an error rolls back nothing: there
 * the commit fails.
 */
function failingBefore(process: ProcessName, last: string): Omit<Step, 'action'> {
  if (last === 'deleteAttempts') return { seam: `commit of ${last}`, when: 'before' }
  return { seam: last === 'nothing' ? firstStatement(process) : last, when: 'after' }
}

/** Of a transaction, and changing nothing. */
const firstStatement = (process: ProcessName): string =>
  process.endsWith('-relay') ? 'claimEvents' : 'begin'
