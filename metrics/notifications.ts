import type { Observer } from '#messaging/index.ts'
import { notificationSeconds } from './buckets.ts'
import type { Metrics } from './metrics.ts'

/** Measures how late notifications arrive, by the probes that the listener sends to itself. */
export function measureNotifications(metrics: Metrics): Required<Pick<Observer, 'notified'>> {
  const lag = metrics.histogram(
    {
      name: 'notification_lag_seconds',
      help: 'From a NOTIFY until it has arrived where this process listens.',
    },
    notificationSeconds,
  )
  return { notified: (lagMs) => lag.observe(lagMs / 1_000) }
}
