import { until } from '#local/supervisor/waiting.ts'
import type { Journal } from './journal.ts'
import { sayMeasure } from './limits.ts'
import type { LiveChecks } from './live.ts'

/** No order has ended for so long: the system is coming back from something. */
const stillAfterMs = 5_000

/** Without new faults it must come back in this time. */
const aliveWithinMs = 120_000

/** Waits while no order ends; says how long that took. */
export async function standstill(live: LiveChecks, journal: Journal): Promise<number> {
  const startedAtMs = performance.now()
  const isAlive = () => performance.now() - live.progressAtMs < stillAfterMs
  if (isAlive()) return 0
  if (!(await until(isAlive, { timeoutMs: aliveWithinMs }))) {
    live.faults.add(`no order ended for ${aliveWithinMs} ms without a new fault`)
    live.progressAtMs = performance.now()
  }
  const waitedMs = performance.now() - startedAtMs
  journal.note(`stood still for ${waitedMs.toFixed(0)} ms`)
  return waitedMs
}

/** How often that was, and how long, as a sentence. Pure. */
export function sayStandstills(timesMs: readonly number[]): string {
  const still = sayMeasure(stillAfterMs, 'ms')
  if (timesMs.length === 0) {
    return `the schedule never stood still: whenever a fault was due, an order had ended in the ${still} before`
  }
  const all = timesMs.reduce((sum, ms) => sum + ms, 0)
  const [inAll, longest, atMost] = [all, Math.max(...timesMs), aliveWithinMs].map((ms) =>
    sayMeasure(ms, 'ms'),
  )
  return `the schedule stood still ${timesMs.length} times, ${inAll} in all, the longest ${longest} (${atMost} at most): no fault was begun meanwhile, since no order had ended for ${still}`
}
