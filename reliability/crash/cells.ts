import { type ProcessName, processNames } from '#local/stack/ports.ts'
import { pause, until } from '#local/supervisor/waiting.ts'
import type { Note, Step, When } from './fault-points.ts'
import type { Instance } from './fleet.ts'
import { injectionsFor } from './inject.ts'
import type { System } from './system.ts'

/** One fault at one fault point of one process. */
export interface Crash {
  process: ProcessName
  point: string
  when: When
  action: Step['action']
  /** The fault point before which it is as well, since nothing happens in between. */
  asBefore?: string
}

/**
 * What is done together: crashes of one process in one instance after another, those of several
 * processes side by side.
 */
export type Cell = Crash[]

export interface CellResult {
  cell: Cell
  /** A fault point that was not come to in time. */
  unreached: Crash[]
  tookMs: number
}

export interface Running {
  /** How long a crash may be waited for. */
  boundMs?: number
  /** No more cells are begun then. */
  signal?: AbortSignal
}

export const nameCrash = ({ process, point, when, action }: Crash): string =>
  `${process}: ${action === 'exit' ? '' : `${action} `}${when} ${point}`

/**
 * Works through cells, those of different processes side by side: each crash has an instance of its
 * process to itself, and the next instance begins where the last one ended.
 */
export class CellRunner {
  readonly instances = new Map<ProcessName, Instance>()
  /** Instances that ended, though nothing was planned for them then. */
  readonly untimely: string[] = []
  readonly #system: System
  readonly #all: Instance[] = []

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

  /** An instance of this process in which nothing is planned. */
  keepAlive(name: ProcessName): Instance {
    const instance = this.instances.get(name)
    return instance && !instance.end() ? instance : this.startInstance(name, [])
  }

  startInstance(name: ProcessName, steps: Step[]): Instance {
    const instance = this.#system.fleet.start(name, steps)
    this.instances.set(name, instance)
    this.#all.push(instance)
    return instance
  }

  get instanceCount(): number {
    return this.#all.length
  }

  /** Ends all instances at once: for the end of a test that went wrong. */
  async killAll(): Promise<void> {
    for (const name of processNames) await this.endInstance(name)
  }

  /** Everything that any instance has met so far. */
  notes(): Map<ProcessName, Note[]> {
    const notes = new Map<ProcessName, Note[]>()
    for (const instance of this.#all) {
      notes.set(instance.name, [...(notes.get(instance.name) ?? []), ...instance.notes()])
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
   * Whether it came to it. An instance that does not is killed in the end, so that the next can
   * begin.
   */
  async #crash(crash: Crash, boundMs: number): Promise<boolean> {
    await this.endInstance(crash.process)
    const deadline = performance.now() + boundMs
    while (performance.now() < deadline) {
      const instance = this.startInstance(crash.process, stepsTo(crash))
      const taken = () => instance.notes().filter((note) => 'taken' in note).length
      const isOver = () =>
        instance.end() !== undefined ||
        (crash.action !== 'exit' && taken() === instance.steps.length)
      const over = new AbortController()
      const injecting = this.#inject(crash, over.signal)
      await until(isOver, { timeoutMs: deadline - performance.now(), everyMs: 10 })
      over.abort()
      await injecting
      if (taken() === instance.steps.length) return this.#afterwards(crash, instance)
      if (!instance.end()) break
      this.untimely.push(`${nameCrash(crash)}: it ended before, by itself\n${instance.logTail()}`)
    }
    await this.endInstance(crash.process)
    return false
  }

  async #afterwards({ action }: Crash, instance: Instance): Promise<true> {
    if (action === 'exit') await instance.ended
    if (action !== 'stop') return true
    await pause(300)
    instance.signal('SIGCONT')
    return true
  }

  async #inject({ process, point }: Crash, signal: AbortSignal): Promise<void> {
    const injections = injectionsFor(process, point)
    if (injections.length === 0) return
    while (!signal.aborted) {
      await pause(500, signal)
      if (signal.aborted) return
      for (const inject of injections) {
        await inject(this.#system, process, signal).catch(() => {})
      }
    }
  }

  /** Kills the present instance of a process; nothing starts it again by itself. */
  async endInstance(name: ProcessName): Promise<void> {
    const instance = this.instances.get(name)
    if (!instance || instance.end()) return
    instance.signal('SIGKILL')
    await instance.ended
  }
}

/** A rollback needs an error before it: the answer to the last statement that worked is one. */
function stepsTo({ process, point, when, action }: Crash): Step[] {
  const step: Step = { point, when, action }
  if (!point.startsWith('rollback of ') || process.endsWith('-api')) return [step]
  return [{ ...failingBefore(process, point.slice('rollback of '.length)), action: 'throw' }, step]
}

/**
 * `deleteAttempts` is also made outside of a transaction, where an error rolls back nothing: there
 * the commit fails.
 */
function failingBefore(process: ProcessName, last: string): Omit<Step, 'action'> {
  if (last === 'deleteAttempts') return { point: `commit of ${last}`, when: 'before' }
  return { point: last === 'nothing' ? firstStatement(process) : last, when: 'after' }
}

/** Of a transaction, and changing nothing. */
const firstStatement = (process: ProcessName): string =>
  process.endsWith('-relay') ? 'claimEvents' : 'begin'
