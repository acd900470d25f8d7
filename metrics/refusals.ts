import type { Metrics } from './metrics.ts'

/** Measures the requests that an API refuses on purpose, to protect itself and others. */
export function measureRefusals<Reason extends string>(
  metrics: Metrics,
  reasons: readonly Reason[],
) {
  const refused = metrics.counter({
    name: 'http_refusals_total',
    help: 'Requests that were refused to protect others, by reason.',
    labels: ['reason'],
  })
  for (const reason of reasons) refused.inc({ reason }, 0)
  return (reason: Reason) => refused.inc({ reason })
}
