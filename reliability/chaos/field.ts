import type { Journal } from './journal.ts'
import type { Subscribers } from './subscribers.ts'
import type { System } from './system.ts'

/** What a fault is done to. The signal ends what lasts. */
export interface Field {
  system: System
  journal: Journal
  /** Who follows without ever connecting again. */
  subscribers: Subscribers
  signal: AbortSignal
}

const turns = new WeakMap<object, Promise<unknown>>()

/**
 * One after the other: a server that is being started again is not killed at the same time.
 * Whoever's turn comes only after the signal has hit nothing.
 */
export function inTurn(
  server: object,
  signal: AbortSignal,
  work: () => Promise<number>,
): Promise<number> {
  const turn = (turns.get(server) ?? Promise.resolve()).then(() => (signal.aborted ? 0 : work()))
  turns.set(
    server,
    turn.catch(() => {}),
  )
  return turn
}

/** Says whether there was such a process. */
export function sendSignal(pid: number | undefined, signal: NodeJS.Signals): boolean {
  try {
    return pid !== undefined && process.kill(pid, signal)
  } catch {
    return false
  }
}

/** Freezes processes, each a line in the journal. What is returned lets them go on. */
export function freeze(
  { system, journal }: Pick<Field, 'system' | 'journal'>,
  names: string[],
): () => void {
  const pids = names.map((name) => system.pidOf(name))
  for (const [index, name] of names.entries()) {
    if (sendSignal(pids[index], 'SIGSTOP')) journal.act('stop', name)
  }
  return () => {
    for (const pid of pids) sendSignal(pid, 'SIGCONT')
    journal.note(`going on: ${names.join(', ')}`)
  }
}
