import type { Verdict } from '../judge/verdict.ts'
import type { Journal } from './journal.ts'
import type { Recovery } from './recovery.ts'

/** What a run under load has shown. Green is: no faults. */
export interface Outcome {
  verdict: Verdict
  /** Every broken promise, as a sentence. */
  faults: string[]
  journal: Journal
  recoveries: Recovery[]
  deadLetters: number
  duplicates: number
  /** Orders that were not placed since too many waited for their answer. */
  heldBack: number
  looks: { done: number; missed: number }
  /**
   * How long the schedule of faults stood still each time; undefined where there is no schedule.
   */
  standstillsMs?: number[]
}
