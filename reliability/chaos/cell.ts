import { pause, until } from '#local/supervisor/waiting.ts'
import type { Field } from './field.ts'
import { inject } from './inject.ts'
import type { Outcome } from './outcome.ts'
import { pendingBefore } from './rows.ts'
import { type LoadedRun, runUnderLoad, type Scene } from './run.ts'
import type { Fault } from './schedule.ts'
import type { System } from './system.ts'

/** One kind of trouble, alone, so often that it would show. */
export interface Cell {
  name: string
  title: string
  /** How often, unless told. */
  count: number
  /** Off unless told, so that the design recovers by itself. */
  paymentRequestTimeoutMs?: number
  /** Of each process; two unless told. */
  replicas?: number
  /** Whether a message can kill payments-consumer (crashing-requests.ts). */
  hasCrashingRequests?: boolean
  /** Why it cannot run here: a tool that is missing, a right. */
  unable?: () => string | undefined
  run: (system: System, run: CellRun) => Promise<Outcome>
}

export interface CellRun {
  seed: number
  count: number
  dir: string
  progress: (line: string) => void
}

/** What a cell adds to the verdict: promises of its own that were broken. */
type Act = (field: Field, run: CellRun, scene: Scene) => Promise<string[]>

/** What goes on beside every cell. */
export const load = { ordersPerSecond: 20, users: 30 }

/** A cell that acts while orders come in. */
export const underLoad =
  (act: Act, more: Partial<Pick<LoadedRun, 'injects' | 'ordersPerSecond'>> = {}): Cell['run'] =>
  async (system, run) => {
    const own: string[] = []
    const outcome = await runUnderLoad(
      system,
      { ...run, ...load, ...more },
      async (field, scene) => {
        own.push(...(await act(field, run, scene)))
      },
    )
    return { ...outcome, faults: [...own, ...outcome.faults, ...tooLate(outcome)] }
  }

/** Nothing else goes on in a cell, so what was promised of times holds. */
const tooLate = ({ recoveries }: Outcome): string[] =>
  recoveries.flatMap(({ what, times: { p99Ms }, targetMs = Number.POSITIVE_INFINITY }) =>
    p99Ms > targetMs ? [`${what}: ${p99Ms.toFixed(0)} ms, promised were ${targetMs}`] : [],
  )

interface FaultAfterFault {
  /** How long it may take after each until all orders are final. */
  withinMs: number
  /** Times (recovery.ts) without which it would have shown nothing. */
  shows?: string[]
  ordersPerSecond?: number
  /** What is to be brought about first, and then the fault; just the fault unless told. */
  how?: (fault: Fault, field: Field) => Promise<void>
}

/** A cell of faults, one after the other, each when what the one before held up has ended. */
export const faultAfterFault = (
  faultsOf: (count: number, system: System) => Fault[],
  { withinMs, shows = [], how = inject, ...more }: FaultAfterFault,
): Cell['run'] => {
  const run = underLoad(async (field, { count, progress }) => {
    const late: string[] = []
    const faults = faultsOf(count, field.system)
    for (const [index, fault] of faults.entries()) {
      progress(`${index + 1} of ${faults.length}: ${JSON.stringify(fault)}`)
      await how(fault, field)
      const isOver = await finalWithin(field, withinMs, fault.kind)
      if (!isOver) late.push(`orders are pending ${withinMs} ms after ${JSON.stringify(fault)}`)
      await pause(apartMs)
    }
    const missed = field.journal.missed.map(({ fault, why }) => `${fault.kind} missed: ${why}`)
    return [...late, ...missed]
  }, more)
  return async (system, own) => {
    const outcome = await run(system, own)
    const seen = outcome.recoveries.flatMap(({ what, times }) => (times.count > 0 ? [what] : []))
    const unseen = shows.filter((what) => !seen.includes(what))
    const empty = unseen.map((what) => `nothing was seen of: ${what}`)
    return { ...outcome, faults: [...outcome.faults, ...empty] }
  }
}

/** Far enough apart that the recovery of each is told from that of the next. */
const apartMs = 3_100

/**
 * Whether all orders that were placed by now are final in time; the report says how long it took.
 */
export const finalWithin = (
  { system, journal }: Pick<Field, 'system' | 'journal'>,
  limitMs: number,
  after: string,
): Promise<boolean> => {
  const byMs = Date.now()
  return journal.within(limitMs, `orders final after: ${after}`, (timeoutMs) =>
    untilFinal(system, byMs, timeoutMs),
  )
}

/** Whether all orders that were placed by then are final in time. */
export const untilFinal = ({ databases }: System, byMs: number, timeoutMs: number) =>
  until(async () => (await pendingBefore(databases.orders, byMs).catch(() => 1)) === 0, {
    timeoutMs,
    everyMs: 100,
  })
