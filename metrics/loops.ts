import type { Loop } from '#messaging/index.ts'
import type { Metrics } from './metrics.ts'

/** Measures loops, each under its name. Returns a function that adds one. */
export function measureLoops(metrics: Metrics): (loop: Loop) => void {
  const age = metrics.gauge({
    name: 'loop_last_turn_age_seconds',
    help: 'Seconds since the loop last completed a turn, without the time in which it had no work.',
    labels: ['loop'],
  })
  const loops: Loop[] = []
  metrics.onScrape(() => {
    for (const { name, ageMs } of loops) age.set({ loop: name }, ageMs / 1_000)
  })
  return (loop) => loops.push(loop)
}
