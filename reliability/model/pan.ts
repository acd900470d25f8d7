/** What one run of the verifier that Spin generates (pan) has found. */
export interface Finding {
  /** Distinct states, and the longest way to one. */
  states: number
  depth: number
  errors: number
  /** Whether all states were seen: no limit of memory or depth was in the way. */
  isComplete: boolean
  seconds: number
  memoryMb: number
}

/** Reads what pan prints. Throws when that is no finding, with what it is. */
export function parsePan(output: string): Finding {
  const head = /^State-vector .*depth reached (\d+), errors: (\d+)/m.exec(output)
  const states = /^\s*(\d+(?:\.\d+)?(?:e\+?\d+)?) states, stored/m.exec(output)
  if (!head || !states) throw new Error(`pan has found nothing:\n${output.trim()}`)
  const cutShort = /max search depth too small|MEMLIM bound|out of memory|Search not completed/i
  return {
    states: Number(states[1]),
    depth: Number(head[1]),
    errors: Number(head[2]),
    isComplete: !cutShort.test(output),
    seconds: Number(/elapsed time ([\d.]+) seconds/.exec(output)?.[1] ?? 0),
    memoryMb: Math.ceil(Number(/([\d.]+)\s+total actual memory usage/.exec(output)?.[1] ?? 0)),
  }
}

/**
 * The model must have been searched to the end without an error; of a mutant one error is enough.
 */
export const isAsWanted = ({ errors, isComplete }: Finding, isMutant: boolean): boolean =>
  isMutant ? errors > 0 : errors === 0 && isComplete
