import { monitorEventLoopDelay, performance } from 'node:perf_hooks'
import { collectDefaultMetrics } from 'prom-client'
import packageJson from '#package.json' with { type: 'json' }
import type { Metrics } from './metrics.ts'

const quantiles = { p50: 50, p99: 99 }

/** What every process has: its build, its resources, its event loop. */
export function measureProcess(metrics: Metrics, process: string): void {
  const { version } = packageJson
  metrics
    .gauge({
      name: 'orders_payments_build_info',
      help: 'Always 1; the labels say which process and version this is.',
      labels: ['process', 'version'],
    })
    .set({ process, version }, 1)
  collectWithoutEventLoopLag(metrics)
  measureEventLoop(metrics)
}

/**
 * prom-client's lag of the event loop has the sampling interval in it, and its sampler wakes the
 * process 100 times a second. So the sampler practically never runs, and its metrics are removed.
 */
function collectWithoutEventLoopLag({ registry }: Metrics): void {
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: 2 ** 31 - 1 })
  for (const { name } of registry.getMetricsAsArray()) {
    if (name.startsWith('nodejs_eventloop_lag_')) registry.removeSingleMetric(name)
  }
}

/**
 * The delays of the event loop since the last scrape: how long each of its iterations held up
 * others. Sampled by iteration, not by a timer, which would wake an idle process.
 */
function measureEventLoop(metrics: Metrics): void {
  const gauge = (name: string, help: string) => metrics.gauge({ name, help })
  const delay = (name: string, what: string) =>
    gauge(
      `nodejs_eventloop_delay_${name}_seconds`,
      `${what} of the event loop since the last scrape.`,
    )
  const max = delay('max', 'Longest delay')
  const delays = Object.entries(quantiles).map(
    ([name, percentile]) => [delay(name, `Delay (${name})`), percentile] as const,
  )
  const utilization = gauge(
    'nodejs_eventloop_utilization_ratio',
    'Part of the time since the last scrape in which the event loop had work.',
  )
  const histogram = monitorEventLoopDelay({ samplePerIteration: true })
  histogram.enable()
  let before = performance.eventLoopUtilization()
  metrics.onScrape(() => {
    max.set(histogram.max / 1e9)
    for (const [each, percentile] of delays) each.set(histogram.percentile(percentile) / 1e9)
    histogram.reset()
    const now = performance.eventLoopUtilization()
    utilization.set(performance.eventLoopUtilization(now, before).utilization)
    before = now
  })
}
