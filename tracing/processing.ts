import { type Span, SpanKind, type Tracer } from '@opentelemetry/api'
import type { DeliveredEvents, EventOutcome, EventTracing } from '#messaging/index.ts'
import { errorTypeOf, inBatchSpan, setFailed } from './batch.ts'
import { parentOf, traceparentOf } from './contexts.ts'
import { eventAttributes, messagingSpan } from './messaging-attributes.ts'

type Delivered = DeliveredEvents<unknown>

/**
 * A CONSUMER span for each batch, in a trace of its own, with links to its events; and a span for
 * each event, in the trace of the event. What the event causes carries the context of the second.
 */
export const tracedProcessing =
  (tracer: Tracer): EventTracing['process'] =>
  (delivered, work) => {
    const events = delivered.events.map(({ event }) => event)
    return inBatchSpan(tracer, batchSpanOf(delivered), events, async (batch) => {
      const spans = new Map(events.map((event) => [event.id, startHandling(tracer, event, batch)]))
      const contextOf = ({ id }: { id: string }) => {
        const span = spans.get(id)
        return span && { traceparent: traceparentOf(span.spanContext()) }
      }
      try {
        const results = await work(events.map((event) => ({ ...event, ...contextOf(event) })))
        for (const [id, span] of spans) setResult(span, batch, results?.get(id))
        return results
      } finally {
        for (const span of spans.values()) span.end()
      }
    })
  }

/** Without the routing key where the events of the batch have several. */
function batchSpanOf({ events, queue, broker }: Delivered) {
  const only = (values: string[]) => (new Set(values).size === 1 ? values[0] : undefined)
  const exchange = only(events.map(({ delivery }) => delivery.exchange))
  const routingKey = only(events.map(({ delivery }) => delivery.routingKey))
  const operation = { exchange, routingKey, queue, broker, count: events.length }
  return { ...messagingSpan({ type: 'process', ...operation }), kind: SpanKind.CONSUMER }
}

function startHandling(
  tracer: Tracer,
  event: { id: string; type: string; traceparent?: unknown },
  batch: Span | undefined,
): Span {
  const links = batch?.isRecording() ? [{ context: batch.spanContext() }] : []
  const options = { links, attributes: eventAttributes(event) }
  return tracer.startSpan(`handle ${event.type}`, options, parentOf(event.traceparent))
}

/** No result: the consumer was told to stop, and the event will be delivered again. */
function setResult(span: Span, batch: Span | undefined, result: EventOutcome | undefined): void {
  span.setAttribute('orders_payments.event.result', result?.kind ?? 'none')
  if (result?.kind !== 'dead-letter' && result?.kind !== 'retry') return
  setFailed(span, result.reason ?? errorTypeOf(result.error))
  setFailed(batch, result.kind)
}
