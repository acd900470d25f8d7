import type { Fault } from './schedule.ts'

/** A fault that was really injected, by the clock of this machine. */
export interface InjectedFault {
  fault: Fault
  fromMs: number
  /** When it was over, as far as whoever injected it can tell. */
  toMs: number
  /** How many processes were killed, connections cut … */
  hits: number
}

/** What a cell has done by itself, not through `inject`. */
interface Acted {
  /** `stop`, `disk full`, … */
  what: string
  /** A process, a link, a queue … */
  on: string
  /** How many processes, messages … that were. */
  hits: number
}

/**
 * What something came to, and what it may come to: more is a fault, or less, where it is the least.
 */
export interface Measured {
  what: string
  value: number
  limit: number
  unit: 'ms' | 'MB' | 'files' | 'orders'
  isLeast?: true
}

/** How a connection is called that hears no notifications, in `ways`. */
export const noNotifications = 'no notifications'

/** How long something took to notice that a connection of it was dead. */
export interface Detection {
  /** `orders-api listen`, `payments-relay publish`, `payments-consumer`, … */
  who: string
  link: string
  /** `up`, `down`, `up+down`: silent so; or `ended`, or `noNotifications`. */
  ways: string
  afterMs: number
  /** When it noticed, by the clock of this machine. */
  atMs: number
}

/** What was done to the system, and what came of it. `write` gets each entry as it is made. */
export class Journal {
  readonly injected: InjectedFault[] = []
  readonly detections: Detection[] = []
  /** Faults that could not be injected: what they were for was just away. */
  readonly missed: { fault: Fault; why: string }[] = []
  readonly acts: Acted[] = []
  readonly measures: Measured[] = []
  readonly #write: (line: object) => void

  constructor(write: (line: object) => void = () => {}) {
    this.#write = write
  }

  begin(fault: Fault): void {
    this.#write({ at: Date.now(), begin: fault })
  }

  end(injected: InjectedFault): void {
    this.injected.push(injected)
    this.#write({ at: Date.now(), end: injected })
  }

  miss(fault: Fault, error: unknown): void {
    const why = String(error)
    this.missed.push({ fault, why })
    this.#write({ at: Date.now(), missed: fault, why })
  }

  detect(noticed: Omit<Detection, 'atMs'>): void {
    const detection = { ...noticed, atMs: Date.now() }
    this.detections.push(detection)
    this.#write({ at: Date.now(), detected: detection })
  }

  act(what: string, on: string, hits = 1): void {
    this.acts.push({ what, on, hits })
    this.#write({ at: Date.now(), act: what, on, hits })
  }

  measure(measured: Measured): void {
    this.measures.push(measured)
    this.#write({ at: Date.now(), measured })
  }

  /** Waits no longer than it may take, and keeps how long it took. */
  async within(
    limitMs: number,
    what: string,
    wait: (timeoutMs: number) => Promise<boolean>,
  ): Promise<boolean> {
    const startedAtMs = performance.now()
    const isInTime = await wait(limitMs)
    const value = performance.now() - startedAtMs
    this.measure({ what, value, limit: limitMs, unit: 'ms' })
    return isInTime
  }

  note(text: string): void {
    this.#write({ at: Date.now(), note: text })
  }
}
