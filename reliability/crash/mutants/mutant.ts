import type { Edit } from '../edit.ts'
import type { ScenarioName } from '../scenarios.ts'

/** One protection switched off, and what must turn red then. */
export interface Mutant extends Edit {
  name: string
  /** What it protects from. */
  why: string
  /** Where one protection stands behind another, both are switched off. */
  also?: readonly Edit[]
  /** Real processes under faults, or the tests whose titles have these words. */
  caughtBy: { scenario: ScenarioName } | CaughtByTest
}

export interface CaughtByTest {
  test: string
  titled: string
  /**
   * It does something to its broker that only who has started it may do, and is skipped otherwise.
   */
  hasOwnServers?: true
}

export const test = (file: string, titled: string): CaughtByTest => ({ test: file, titled })

export const conformance = 'messaging/conformance'

/** All that a mutant changes. */
export const editsOf = (mutant: Mutant): Edit[] => [mutant, ...(mutant.also ?? [])]
