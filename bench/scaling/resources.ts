import TinyQueue from 'tinyqueue'
import type { Clock } from './clock.ts'

/** Something that work takes time at. */
export interface Resource {
  use: (ms: number, done: () => void) => void
  /** Of its capacity, since the start. */
  utilization: () => number
}

/** The cores of a machine, shared equally by all that compute; nothing has more than one core. */
export class Machine implements Resource {
  readonly #clock: Clock
  readonly #cores: number
  /** What each job has had since the start, so that a job ends when this reaches its `end`. */
  #share = 0
  #changedAt = 0
  #usedMs = 0
  #version = 0
  readonly #jobs = new TinyQueue<{ end: number; done: () => void }>([], (a, b) => a.end - b.end)

  constructor(clock: Clock, cores: number) {
    this.#clock = clock
    this.#cores = cores
  }

  use(ms: number, done: () => void): void {
    this.#advance()
    this.#jobs.push({ end: this.#share + ms, done })
    this.#planNextEnd()
  }

  utilization = (): number => this.usedMs() / (this.#cores * this.#clock.now)

  /** Of all its cores together. */
  usedMs(): number {
    this.#advance()
    return this.#usedMs
  }

  #rate = () => Math.min(1, this.#cores / this.#jobs.length)

  #advance(): void {
    const ms = this.#clock.now - this.#changedAt
    this.#changedAt = this.#clock.now
    if (this.#jobs.length === 0) return
    this.#share += ms * this.#rate()
    this.#usedMs += ms * Math.min(this.#jobs.length, this.#cores)
  }

  /** A plan that another job has overtaken is void. */
  #planNextEnd(): void {
    const next = this.#jobs.peek()
    const version = ++this.#version
    if (!next) return
    this.#clock.after(Math.max(0, next.end - this.#share) / this.#rate(), () => {
      if (version !== this.#version) return
      this.#advance()
      this.#jobs.pop()
      this.#planNextEnd()
      next.done()
    })
  }
}

/** One after the other: a thread on a machine, the leader of a queue, a lock around a flush. */
export class OneByOne implements Resource {
  readonly #inner: Resource
  readonly #clock: Clock
  readonly #waiting: { ms: number; done: () => void }[] = []
  #isBusy = false
  #busyMs = 0

  constructor(clock: Clock, inner: Resource) {
    this.#clock = clock
    this.#inner = inner
  }

  use(ms: number, done: () => void): void {
    this.#waiting.push({ ms, done })
    if (!this.#isBusy) this.#next()
  }

  utilization = (): number => this.#busyMs / this.#clock.now

  #next(): void {
    const job = this.#waiting.shift()
    this.#isBusy = job !== undefined
    if (!job) return
    const startedAt = this.#clock.now
    this.#inner.use(job.ms, () => {
      this.#busyMs += this.#clock.now - startedAt
      job.done()
      this.#next()
    })
  }
}

/** A log: all commits that wait when a flush begins share it. So it is late, but never full. */
export class Disk implements Resource {
  readonly #clock: Clock
  #waiting: (() => void)[] = []
  #isFlushing = false
  flushes = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  use(ms: number, done: () => void): void {
    this.#waiting.push(done)
    if (!this.#isFlushing) this.#flush(ms)
  }

  utilization = (): number => 0

  #flush(ms: number): void {
    const sharing = this.#waiting
    this.#waiting = []
    this.#isFlushing = sharing.length > 0
    if (!this.#isFlushing) return
    this.flushes++
    this.#clock.after(ms, () => {
      for (const done of sharing) done()
      this.#flush(ms)
    })
  }
}
