import type { Attributes } from '@opentelemetry/api'
import type { SentEvents } from '#messaging/index.ts'

/**
 * Names and attributes by OpenTelemetry's conventions for RabbitMQ, version 1.44.0. The conventions
 * are in development: docs/tracing.md has the version, too.
 */
const operations = {
  send: { 'messaging.operation.name': 'publish', 'messaging.operation.type': 'send' },
  process: { 'messaging.operation.name': 'process', 'messaging.operation.type': 'process' },
}

interface Operation {
  type: keyof typeof operations
  /** Undefined: of several. */
  exchange: string | undefined
  routingKey: string | undefined
  queue?: string
  broker: SentEvents['broker']
  /** Events: several may share a message. */
  count: number
}

/** The name and the attributes of a span for one batch. */
export function messagingSpan({ type, exchange, routingKey, queue, broker, count }: Operation) {
  const parts = [exchange, routingKey, queue === routingKey ? undefined : queue]
  const destination = parts.filter(Boolean).join(':') || 'amq.default'
  const attributes: Attributes = {
    'messaging.system': 'rabbitmq',
    ...operations[type],
    'messaging.destination.name': destination,
    ...(routingKey && { 'messaging.rabbitmq.destination.routing_key': routingKey }),
    'messaging.batch.message_count': count,
    ...(broker && { 'server.address': broker.host, 'server.port': broker.port }),
  }
  return { name: `${operations[type]['messaging.operation.name']} ${destination}`, attributes }
}

/** By the conventions for CloudEvents, of the same version. */
export function eventAttributes(event: { id: string; type: string }): Attributes {
  const { source, subject } = event as { source?: unknown; subject?: unknown }
  return {
    'cloudevents.event_id': event.id,
    'cloudevents.event_type': event.type,
    ...(typeof source === 'string' && { 'cloudevents.event_source': source }),
    ...(typeof subject === 'string' && { 'cloudevents.event_subject': subject }),
  }
}
