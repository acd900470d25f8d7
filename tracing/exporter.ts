import type { SpanExporter } from '@opentelemetry/sdk-trace'
import type { Logger } from '#chassis/logger.ts'
import { Outage } from '#chassis/outage.ts'

/**
 * An exporter that logs when nobody takes spans, every minute, and when it is over. OpenTelemetry
 * itself says nothing.
 */
export function reportingOutage(exporter: SpanExporter, logger: Logger): SpanExporter {
  const outage = new Outage({ logger, what: 'spans cannot be sent, and are dropped' })
  return {
    export: (spans, onResult) =>
      exporter.export(spans, (result) => {
        if (result.code === 0) outage.over()
        else outage.failed(result.error ?? new Error('the collector has refused them'))
        onResult(result)
      }),
    forceFlush: async () => exporter.forceFlush?.(),
    shutdown: () => exporter.shutdown(),
  }
}
