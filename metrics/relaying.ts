import { classify, failureClasses } from '#chassis/errors.ts'
import type { Observer } from '#messaging/index.ts'
import type { Metrics } from './metrics.ts'

/** Measures the turns of a relay that fail; what it publishes is in sending.ts. */
export function measureTurns(metrics: Metrics): Pick<Observer, 'turnFailed'> {
  const failures = metrics.counter({
    name: 'outbox_turn_failures_total',
    help: 'Turns of the relay that failed, by class of failure.',
    labels: ['error_type'],
  })
  for (const error_type of failureClasses) failures.inc({ error_type }, 0)
  return { turnFailed: (error) => failures.inc({ error_type: classify(error) }) }
}
