import {
  type Attributes,
  ROOT_CONTEXT,
  type Span,
  type SpanKind,
  SpanStatusCode,
  type Tracer,
} from '@opentelemetry/api'
import { linksTo, runWithin } from './contexts.ts'
import type { Traced } from './tracing.ts'

export interface BatchSpan {
  name: string
  kind: SpanKind
  attributes?: Attributes
}

/**
 * Starts the span of a batch: in a trace of its own, with a link to each of the batch. Undefined
 * when every one of them has a context that is not sampled.
 */
export function startBatchSpan(
  tracer: Tracer,
  { name, ...options }: BatchSpan,
  batch: readonly Traced[],
): Span | undefined {
  const { links, isUnsampled } = linksTo(batch)
  return isUnsampled || batch.length === 0
    ? undefined
    : tracer.startSpan(name, { ...options, links }, ROOT_CONTEXT)
}

/** Runs work for all of a batch within the span of the batch. */
export async function inBatchSpan<Result>(
  tracer: Tracer,
  options: BatchSpan,
  batch: readonly Traced[],
  work: (span: Span | undefined) => Promise<Result>,
): Promise<Result> {
  const span = startBatchSpan(tracer, options, batch)
  if (!span) return work(undefined)
  try {
    return await runWithin(span.spanContext(), () => work(span))
  } catch (error) {
    setFailed(span, errorTypeOf(error))
    throw error
  } finally {
    span.end()
  }
}

/** The class of an error; `_OTHER`, as the conventions say, for anything that has none. */
export const errorTypeOf = (error: unknown): string =>
  error instanceof Error ? error.name : '_OTHER'

/** `errorType`: a word for the kind of failure; undefined if there was none. */
export const setFailed = (span: Span | undefined, errorType: string | undefined): void => {
  if (errorType === undefined) return
  span?.setAttribute('error.type', errorType).setStatus({ code: SpanStatusCode.ERROR })
}
