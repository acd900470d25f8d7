import { SpanKind, type Tracer } from '@opentelemetry/api'
import type { EventTracing, SentEvents } from '#messaging/index.ts'
import { setFailed, startBatchSpan } from './batch.ts'
import { messagingSpan } from './messaging-attributes.ts'

type Message = SentEvents['messages'][number]
type Published = Awaited<ReturnType<EventTracing['send']>>

/** A CLIENT span for each route of a batch, until every outcome is known. */
export const tracedSending =
  (tracer: Tracer): EventTracing['send'] =>
  async ({ messages, broker }, work) => {
    const routes = Map.groupBy(messages, ({ exchange, routingKey }) => `${exchange} ${routingKey}`)
    const sends = [...routes.values()].map((own) => ({ own, span: startSend(tracer, own, broker) }))
    try {
      const published = await work()
      for (const { own, span } of sends) setFailed(span, failureOf(own, published))
      return published
    } finally {
      for (const { span } of sends) span?.end()
    }
  }

function startSend(tracer: Tracer, messages: Message[], broker: SentEvents['broker']) {
  const [{ exchange, routingKey } = { exchange: '', routingKey: '' }] = messages
  const operation = { type: 'send', exchange, routingKey, broker, count: messages.length } as const
  const options = { ...messagingSpan(operation), kind: SpanKind.CLIENT }
  return startBatchSpan(tracer, options, messages.map(contextIn))
}

/** The relay does not read what it publishes: only a trace needs to. */
function contextIn({ content }: Message): { traceparent?: unknown } {
  try {
    return { traceparent: JSON.parse(content.toString()).traceparent }
  } catch {
    return {}
  }
}

/** `failed` and `unknown` are the outcomes of the publisher; the first of any message counts. */
function failureOf(messages: Message[], { failed, unknown }: Published): string | undefined {
  const ids = new Set(messages.map(({ id }) => id))
  if (failed.some(({ id }) => ids.has(id))) return 'failed'
  return unknown.some((id) => ids.has(id)) ? 'unknown' : undefined
}
