import type { ReceivedSpan } from './otlp-receiver.ts'

/** The spans of a trace, by their start. */
export const spansOf = (spans: readonly ReceivedSpan[], traceId: string): ReceivedSpan[] =>
  spans.filter((span) => span.traceId === traceId).sort(byStart)

/** The spans of batches that link to a span: what was done for it and for others at once. */
export const linkedTo = (spans: readonly ReceivedSpan[], target: ReceivedSpan): ReceivedSpan[] =>
  spans.filter(
    ({ traceId, links }) =>
      traceId !== target.traceId && links.some(({ spanId }) => spanId === target.spanId),
  )

const byStart = (a: ReceivedSpan, b: ReceivedSpan) => a.startMs - b.startMs

interface Line {
  text: string
  span: ReceivedSpan
}

/**
 * A trace as text: its spans as a tree (`•`), under each the batches that link to it (`~`), with
 * start and duration in milliseconds.
 */
export function traceTree(spans: readonly ReceivedSpan[], traceId: string): string {
  const own = spansOf(spans, traceId)
  const ids = new Set(own.map(({ spanId }) => spanId))
  const roots = own.filter(({ parentSpanId }) => !ids.has(parentSpanId))
  const lines = roots.flatMap((root) => linesOf(spans, own, root, 0))
  const originMs = Math.min(...lines.map(({ span }) => span.startMs))
  const width = Math.max(...lines.map(({ text }) => text.length))
  return [
    `${'span'.padEnd(width)}  process              start ms      ms`,
    ...lines.map(({ text, span: { service, startMs, endMs } }) => {
      const times = [startMs - originMs, endMs - startMs].map((ms) => ms.toFixed(1).padStart(8))
      return `${text.padEnd(width)}  ${service.padEnd(21)}${times.join('')}`
    }),
  ].join('\n')
}

function linesOf(
  spans: readonly ReceivedSpan[],
  own: ReceivedSpan[],
  span: ReceivedSpan,
  depth: number,
): Line[] {
  const indent = '  '.repeat(depth)
  const batches = linkedTo(spans, span).map((batch) => ({
    span: batch,
    text: `${indent}  ~ ${batch.name} (${batch.links.length} orders)`,
  }))
  const children = own.filter(({ parentSpanId }) => parentSpanId === span.spanId)
  const below = [
    ...batches.map((line) => [line]),
    ...children.map((child) => linesOf(spans, own, child, depth + 1)),
  ].sort(([a], [b]) => byStart((a as Line).span, (b as Line).span))
  return [{ text: `${indent}• ${span.name}`, span }, ...below.flat()]
}
