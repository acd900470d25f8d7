import { type Kept, keepRunning, type Print, stepLine } from './keep-running.ts'
import type { Program } from './program.ts'
import { RestartTurns } from './restart-turns.ts'
import { pause } from './waiting.ts'

export type Supervisor = {
  /** Starts programs side by side and keeps them running. Throws when one does not get ready. */
  start(programs: Program[]): Promise<void>
  /** Stops everything in the reverse order of the starts; nothing is started any more. */
  stop(): Promise<void>
}

type Stage = { kept: Kept; headStartMs: number | undefined }[]

/** Keeps a stack running, whatever dies. Says on the terminal what it does. */
export function createSupervisor(print: Print): Supervisor {
  const stages: Stage[] = []
  const turns = new RestartTurns()
  let isStopping = false
  return {
    start: async (programs) => {
      if (isStopping) throw new Error('The stack is being stopped')
      const stage = programs.map((program) => ({
        kept: keepRunning(program, turns, print),
        headStartMs: program.stopHeadStartMs,
      }))
      stages.push(stage)
      await Promise.all(stage.map(({ kept }) => kept.ready))
    },
    stop: async () => {
      isStopping = true
      const stops: Promise<void>[] = []
      for (const { kept, headStartMs } of stages.toReversed().flatMap(byHeadStart)) {
        const stopped = Promise.all(kept.map((one) => stopOne(one, print))).then(() => undefined)
        stops.push(stopped)
        await Promise.race(headStartMs === undefined ? [stopped] : [stopped, pause(headStartMs)])
      }
      await Promise.all(stops)
    },
  }
}

/** A stage is stopped side by side; how long the next one waits is the same for all in it. */
function byHeadStart(stage: Stage): { kept: Kept[]; headStartMs: number | undefined }[] {
  return [{ kept: stage.map(({ kept }) => kept), headStartMs: stage[0]?.headStartMs }]
}

async function stopOne(kept: Kept, print: Print): Promise<void> {
  const startedAt = performance.now()
  await kept.stop()
  print(stepLine({ name: kept.name, address: '' }, 'stopped', startedAt))
}
