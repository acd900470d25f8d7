import type { Fault } from './schedule.ts'

/** A fault that was really inflicted, by the clock of this machine. */
export interface Inflicted {
  fault: Fault
  fromMs: number
  /** When it was over, as far as whoever inflicted it can tell. */
  toMs: number
  /** How many processes were killed, connections cut … */
  hits: number
}

/** How long something took to notice that a connection of it was dead. */
export interface Detection {
  /** `orders-api listen`, `payments-relay publish`, `payments-consumer`, … */
  who: string
  link: string
  ways: string
  afterMs: number
  /** When it noticed, by the clock of this machine. */
  atMs: number
}

/** What was done to the system, and what came of it. `write` gets each entry as it is made. */
export class Journal {
  readonly inflicted: Inflicted[] = []
  readonly detections: Detection[] = []
  /** Faults that could not be inflicted: what they were for was just away. */
  readonly missed: { fault: Fault; why: string }[] = []
  readonly #write: (line: object) => void

  constructor(write: (line: object) => void = () => {}) {
    this.#write = write
  }

  begin(fault: Fault): void {
    this.#write({ at: Date.now(), begin: fault })
  }

  end(inflicted: Inflicted): void {
    this.inflicted.push(inflicted)
    this.#write({ at: Date.now(), end: inflicted })
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

  note(text: string): void {
    this.#write({ at: Date.now(), note: text })
  }
}
