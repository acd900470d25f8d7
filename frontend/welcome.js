import { createPipeline } from './pipeline.js'
import { firstSteps, stepsOf } from './stages.js'
import { pause } from './time.js'

const stepMs = 900
/** A life as it might be, for somebody who has no order yet. */
const example = ['accepted', 'relayed', 'received', 'charged', 'reply_relayed', 'settled'].map(
  (stage, index) => ({ stage, at: new Date([0, 4, 7, 11, 15, 19][index] ?? 0).toISOString() }),
)

/** The drawing before there is an order, at work again and again. @param {HTMLElement} host */
export function startWelcome(host) {
  const pipeline = createPipeline(host)
  const steps = stepsOf(example)
  let playing = new AbortController()

  /** @param {AbortSignal} signal */
  async function play(signal) {
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
