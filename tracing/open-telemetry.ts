import { SpanKind, type Tracer } from '@opentelemetry/api'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto'
import {
  defaultResource,
  detectResources,
  envDetector,
  resourceFromAttributes,
} from '@opentelemetry/resources'
import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'
import type { Logger } from '#chassis/logger.ts'
import { withTimeout } from '#chassis/timeout.ts'
import { inBatchSpan } from './batch.ts'
import { parentOf, runWithin, spanContextOf } from './contexts.ts'
import { reportingOutage } from './exporter.ts'
import { tracedRequests } from './http.ts'
import { tracedProcessing } from './processing.ts'
import { samplerOf, samplingBatches } from './sampler.ts'
import { tracedSending } from './sending.ts'
import type { Tracing } from './tracing.ts'
import type { TracingConfig } from './variables.ts'

export { logFields } from './contexts.ts'

/** The largest batch that can be configured: OpenTelemetry's default drops the links after 128. */
const maxLinks = 10_000

/** How long a process that stops waits for a collector. */
const flushTimeoutMs = 2_000

/** Traces a process: spans are sent in the background, and dropped when nobody takes them. */
export function openTracing(name: string, config: TracingConfig, logger: Logger): Tracing {
  const provider = new TracerProvider({
    resource: resourceOf(name),
    sampler: samplingBatches(samplerOf(config)),
    spanLimits: { linkCountLimit: maxLinks },
    spanProcessors: [
      new BatchSpanProcessor({
        exporter: reportingOutage(new OTLPTraceExporter(), logger),
        scheduledDelayMillis: config.scheduleDelayMs,
        maxQueueSize: config.maxQueueSize,
        maxExportBatchSize: config.maxExportBatchSize,
      }),
    ],
  })
  const tracer = provider.getTracer('orders-payments')
  return {
    ...tracedWork(tracer),
    middleware: tracedRequests(tracer),
    send: tracedSending(tracer),
    process: tracedProcessing(tracer),
    close: () => withTimeout(flushTimeoutMs, 'sending the last spans', provider.shutdown()),
  }
}

/** OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES come last. */
const resourceOf = (name: string) =>
  defaultResource()
    .merge(
      resourceFromAttributes({
        'service.name': name,
        'service.namespace': 'orders-payments',
        'service.instance.id': crypto.randomUUID(),
      }),
    )
    .merge(detectResources({ detectors: [envDetector] }))

const tracedWork = (tracer: Tracer): Pick<Tracing, 'within' | 'linked' | 'record'> => ({
  within: (traceparent, work) => {
    const context = spanContextOf(traceparent)
    return context ? runWithin(context, work) : work()
  },
  linked: (name, requests, work) =>
    inBatchSpan(tracer, { name, kind: SpanKind.INTERNAL }, requests, work),
  record: ({ name, traceparent, startMs, endMs, attributes }) =>
    tracer.startSpan(name, { attributes, startTime: startMs }, parentOf(traceparent)).end(endMs),
})
