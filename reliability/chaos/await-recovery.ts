import { pause, until } from '#local/supervisor/waiting.ts'
import type { Journal } from './journal.ts'
import type { Load } from './load.ts'
import { quiesce } from './quiesce.ts'
import type { System } from './system.ts'

/**
 * How long a process may take to be ready again, and a call to be answered, after the last fault.
 */
const aMinuteMs = 60_000

interface Recovering {
  system: System
  journal: Journal
  load: Load
  /** How long it may take until nothing is on its way. */
  quietWithinMs?: number
}

/** Faults that come out only now: a process that is not back, a call that is never answered. */
export async function awaitRecovery({
  system,
  journal,
  load,
  quietWithinMs = 180_000,
}: Recovering): Promise<string[]> {
  const faults: string[] = []
  for (const name of system.processes) {
    const isBack = await journal.within(
      aMinuteMs,
      'a process ready, after the last fault',
      (timeoutMs) => until(() => system.isReady(name), { timeoutMs, everyMs: 200 }),
    )
    if (!isBack) faults.push(`${name} is not ready a minute after the last fault`)
  }
  const areAnswered = await journal.within(
    aMinuteMs,
    'calls answered, after the last fault',
    (timeoutMs) => Promise.race([load.stop().then(() => true), pause(timeoutMs).then(() => false)]),
  )
  if (!areAnswered) faults.push('calls are not answered a minute after the last fault')
  const isQuiet = await journal.within(
    quietWithinMs,
    'nothing on its way, after the last fault',
    (timeoutMs) => quiesce(system, timeoutMs),
  )
  if (!isQuiet) faults.push(`no quiet ${quietWithinMs} ms after the last fault`)
  await load.untilReceived(30_000).catch(() => {}) // the verdict names who was not told
  return faults
}
