import type { Program } from './program.ts'
import { RestartQueue } from './restart-queue.ts'
import { type Print, type Supervised, statusLine, supervise } from './supervise.ts'
import { pause } from './waiting.ts'

export type Supervisor = {
  /** Starts programs side by side and restarts those that die. Throws when one is never ready. */
  start(programs: Program[]): Promise<void>
  /** Stops everything in the reverse order of the starts, and starts nothing any more. */
  stop(): Promise<void>
}

/** The programs of one call of `start`, which are stopped side by side. */
type Group = { all: Supervised[]; stopHeadStartMs: number | undefined }

/** Keeps a stack running, whatever dies. Prints what it does. */
export function createSupervisor(print: Print): Supervisor {
  const groups: Group[] = []
  const queue = new RestartQueue()
  let isStopping = false
  return {
    start: async (programs) => {
      if (isStopping) throw new Error('The stack is being stopped')
      const all = programs.map((program) => supervise(program, queue, print))
      groups.push({ all, stopHeadStartMs: programs[0]?.stopHeadStartMs })
      await Promise.all(all.map(({ ready }) => ready))
    },
    stop: async () => {
      isStopping = true
      const stops: Promise<unknown>[] = []
      for (const { all, stopHeadStartMs: ms } of groups.toReversed()) {
        const stopped = Promise.all(all.map((one) => stopOne(one, print)))
        stops.push(stopped)
        await Promise.race(ms === undefined ? [stopped] : [stopped, pause(ms)])
      }
      await Promise.all(stops)
    },
  }
}

async function stopOne(supervised: Supervised, print: Print): Promise<void> {
  const startedAt = performance.now()
  await supervised.stop()
  print(statusLine({ name: supervised.name, address: '' }, 'stopped', startedAt))
}
