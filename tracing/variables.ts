import { httpUrl, integer, oneOf, text, type Variable } from '#chassis/config.ts'

/** How spans are sampled and sent. */
export type TracingConfig = {
  /** Both are read by the exporter, with the other OTEL_EXPORTER_OTLP_*: it ignores a wrong one. */
  endpoint: string
  tracesEndpoint: string
  sampler: (typeof samplers)[number]
  samplerRatio: number
  protocol: 'http/protobuf'
  scheduleDelayMs: number
  maxQueueSize: number
  maxExportBatchSize: number
}

const samplers = [
  'always_on',
  'always_off',
  'traceidratio',
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
] as const

const ratio: Variable<number> = {
  ...text('OTEL_TRACES_SAMPLER_ARG'),
  fallback: 1,
  parse: (value) => {
    const number = Number(value)
    if (number >= 0 && number <= 1) return number
    throw new Error(`must be a number from 0 to 1, got ${JSON.stringify(value)}`)
  },
}

/**
 * OpenTelemetry's own names and defaults. Version 3 of its SDK leaves it to the program to read
 * them.
 */
export const tracingVariables: { [K in keyof TracingConfig]: Variable<TracingConfig[K]> } = {
  endpoint: { ...httpUrl('OTEL_EXPORTER_OTLP_ENDPOINT'), fallback: '' },
  tracesEndpoint: { ...httpUrl('OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'), fallback: '' },
  sampler: oneOf('OTEL_TRACES_SAMPLER', samplers, 'parentbased_always_on'),
  samplerRatio: ratio,
  protocol: oneOf('OTEL_EXPORTER_OTLP_PROTOCOL', ['http/protobuf'], 'http/protobuf'),
  scheduleDelayMs: integer('OTEL_BSP_SCHEDULE_DELAY', { fallback: 5_000 }),
  maxQueueSize: integer('OTEL_BSP_MAX_QUEUE_SIZE', { min: 1, fallback: 2_048 }),
  maxExportBatchSize: integer('OTEL_BSP_MAX_EXPORT_BATCH_SIZE', { min: 1, fallback: 512 }),
}
