import { appendFileSync } from 'node:fs'

export type When = 'before' | 'after'

const asPlanned = 'as planned, '

/** Whether an error is one that a plan has thrown. */
export const isAsPlanned = ({ message }: Error): boolean => message.startsWith(asPlanned)

/** What to do at the n-th time (the first, unless told) that a fault point is reached. */
export interface Step {
  point: string
  when: When
  nth?: number
  /** `exit` is SIGKILL, `stop` is SIGSTOP, both sent by the process to itself. */
  action: 'exit' | 'stop' | 'throw' | 'delay'
  /** Of a delay: so long the whole process stands still. */
  ms?: number
}

/** What a process is to do at its fault points, as JSON in CRASH_PLAN. */
export interface Plan {
  /**
   * Gets a line of JSON for each fault point that is met for the first time, and each step taken.
   */
  file: string
  /** One after another: a step is looked for when the one before it was taken. */
  steps: Step[]
}

/** A line of the plan's file. */
export type Note = Met | { taken: Step }

export interface Met {
  met: string
  when: When
  /** The text of a statement. */
  text?: string
  /** What was come to just before: nothing has left the process since, nor come in. */
  since?: string
}

const plan: Plan | undefined = process.env.CRASH_PLAN && JSON.parse(process.env.CRASH_PLAN)
const met = new Set<string>()
let last = ''
let next = 0
let times = 0

/** Whether there is anything to do at all. */
export const isPlanned = plan !== undefined

/**
 * A call that is answered by a promise: `before` it is made, and `after` its answer has come and
 * before its caller has it.
 */
export async function around<T>(point: string, call: () => Promise<T>, text?: string): Promise<T> {
  reach(point, 'before', text)
  const answer = await call()
  reach(point, 'after', text)
  return answer
}

/** A call that nothing answers: `after` it is when what it wrote has left the process. */
export function aroundSending<T>(point: string, send: () => T): T {
  reach(point, 'before')
  const result = send()
  setImmediate(() => setImmediate(() => reach(point, 'after')))
  return result
}

/** Something that comes in: `before` the program hears of it, and `after` it has. */
export function aroundHearing<T>(point: string, hear: () => T): T {
  reach(point, 'before')
  const result = hear()
  reach(point, 'after')
  return result
}

/** Notes that the fault point was met, and does what is planned for it. */
export function reach(point: string, when: When, text?: string): void {
  const name = `${when} ${point}`
  if (!met.has(name)) {
    met.add(name)
    write({ met: point, when, ...(text && { text }), since: last })
  }
  last = name
  const step = plan?.steps[next]
  if (step?.point !== point || step.when !== when || ++times < (step.nth ?? 1)) return
  next++
  times = 0
  write({ taken: step })
  take(step)
}

function take({ point, when, action, ms = 1_000 }: Step): void {
  switch (action) {
    case 'exit':
      process.kill(process.pid, 'SIGKILL')
      freeze(10_000) // nothing more happens until the signal is there
      break
    case 'stop':
      process.kill(process.pid, 'SIGSTOP')
      break
    case 'throw':
      throw new Error(`${asPlanned}${when} ${point}`)
    case 'delay':
      freeze(ms)
      break
  }
}

/** The whole process stands still, as in a long pause of the machine. */
function freeze(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}

function write(note: Note): void {
  if (plan) appendFileSync(plan.file, `${JSON.stringify(note)}\n`)
}
