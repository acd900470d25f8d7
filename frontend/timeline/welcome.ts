import { pause } from '../lib/time.ts'
import { createPipeline } from './pipeline.ts'
import { firstSteps, type StageTime, stepsOf } from './steps.ts'

const stepMs = 900
const exampleTimes = [
  ['accepted', 0],
  ['relayed', 4],
  ['received', 7],
  ['charged', 11],
  ['reply_relayed', 15],
  ['settled', 19],
] as const
/** An order as it might be, for somebody who has none yet. */
const example: StageTime[] = exampleTimes.map(([stage, ms]) => ({
  stage,
  at: new Date(ms).toISOString(),
}))

/** The drawing before there is an order, at work again and again. */
export function startWelcome(host: HTMLElement): { start: () => void; stop: () => void } {
  const pipeline = createPipeline(host)
  const steps = stepsOf(example)
  let playing = new AbortController()

  async function play(signal: AbortSignal) {
    for (let count = 0; !signal.aborted; count = (count + 1) % (steps.length + 2)) {
      pipeline.show(firstSteps(steps, count))
      await pause(stepMs, signal)
    }
  }

  return {
    start() {
      playing.abort()
      playing = new AbortController()
      pipeline.show(steps)
      if (!matchMedia('(prefers-reduced-motion: reduce)').matches) void play(playing.signal)
    },
    stop: () => playing.abort(),
  }
}
