import { AsyncLocalStorage } from 'node:async_hooks'
import { type Context, type Link, ROOT_CONTEXT, type SpanContext, trace } from '@opentelemetry/api'
import { formatTraceparent, parseTraceparent } from '#contracts/traceparent.ts'
import type { Traced } from './tracing.ts'

/** The span that the present work belongs to. */
const active = new AsyncLocalStorage<SpanContext>()

/** Runs work that belongs to a span: what it logs names the trace. */
export const runWithin = <Result>(context: SpanContext, work: () => Result): Result =>
  active.run(context, work)

/** The fields of each line that is logged within a span. */
export function logFields(): { trace_id?: string; span_id?: string } {
  const context = active.getStore()
  return context ? { trace_id: context.traceId, span_id: context.spanId } : {}
}

/** The context in a `traceparent`; undefined if there is none, or a malformed one. */
export function spanContextOf(traceparent: unknown): SpanContext | undefined {
  const context = parseTraceparent(traceparent)
  if (!context) return undefined
  const { traceId, spanId, flags } = context
  return { traceId, spanId, traceFlags: flags, isRemote: true }
}

/** As the parent of a span; without a context the span begins a trace. */
export function parentOf(traceparent: unknown): Context {
  const context = spanContextOf(traceparent)
  return context ? trace.setSpanContext(ROOT_CONTEXT, context) : ROOT_CONTEXT
}

export const traceparentOf = ({ traceId, spanId, traceFlags }: SpanContext): string =>
  formatTraceparent({ traceId, spanId, flags: traceFlags })

const isSampled = ({ traceFlags }: SpanContext) => (traceFlags & 1) === 1

/** What the span of a batch says of those that it is for. */
export interface Links {
  links: Link[]
  /** All have a context, and none is sampled: nobody would find the span. */
  isUnsampled: boolean
}

/** Links to the contexts that are sampled. */
export function linksTo(batch: readonly Traced[]): Links {
  const contexts = batch.flatMap(({ traceparent }) => spanContextOf(traceparent) ?? [])
  const links = contexts.filter(isSampled).map((context) => ({ context }))
  return { links, isUnsampled: contexts.length > 0 && links.length === 0 }
}
