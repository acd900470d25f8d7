import { trace } from '@opentelemetry/api'
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  ParentBasedSampler,
  type Sampler,
  SamplingDecision,
  TraceIdRatioBasedSampler,
} from '@opentelemetry/sdk-trace'
import type { TracingConfig } from './variables.ts'

/** The sampler of OTEL_TRACES_SAMPLER, for spans of requests and of events. */
export function samplerOf({
  sampler,
  samplerRatio,
}: Pick<TracingConfig, 'sampler' | 'samplerRatio'>): Sampler {
  switch (sampler) {
    case 'always_on':
      return new AlwaysOnSampler()
    case 'always_off':
      return new AlwaysOffSampler()
    case 'traceidratio':
      return new TraceIdRatioBasedSampler(samplerRatio)
    case 'parentbased_always_on':
      return new ParentBasedSampler({ root: new AlwaysOnSampler() })
    case 'parentbased_always_off':
      return new ParentBasedSampler({ root: new AlwaysOffSampler() })
    case 'parentbased_traceidratio':
      return new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(samplerRatio) })
  }
}

/**
 * Samples the span of a batch when it has a link: links lead to sampled contexts only
 * (`linksTo`). Otherwise each order that is sampled, one of a hundred, would find one of a hundred
 * of the batches that it was in.
 */
export const samplingBatches = (sampler: Sampler): Sampler => ({
  shouldSample: (context, traceId, name, kind, attributes, links) =>
    links.length > 0 && !trace.getSpan(context)
      ? { decision: SamplingDecision.RECORD_AND_SAMPLED }
      : sampler.shouldSample(context, traceId, name, kind, attributes, links),
  toString: () => `${sampler}, and batches with links`,
})
