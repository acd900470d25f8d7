import fc from 'fast-check'
import { allEventTypes, type EventType, eventTypes, schemaNameOf } from '#contracts/event-types.ts'
import { eventSchemas } from '#contracts/events.ts'
import { routes } from '#contracts/topology.ts'
import { maxSharedBytes, sharedContentType } from '#messaging/broker/shared-message.ts'
import { bytes, jsonFor, oddJson, type Schema } from './json.ts'
import { mutated, mutations } from './mutations.ts'

/** A message as it is published. */
export interface MessageCase {
  exchange: string
  routingKey: string
  /** The service whose consumer gets it. */
  to: 'orders' | 'payments'
  /** A text of latin1. */
  content: string
  properties: Record<string, unknown>
  headers: Record<string, unknown>
}

/** What amqplib encodes as a value of a header. */
const headerValue: fc.Arbitrary<unknown> = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 30 }),
  fc.constantFrom<unknown>(
    ...[null, true, 0, -1, 1.5, 1e300, '', 'x'.repeat(5_000), [], {}, [1, 'a', [null]]],
    ...[{ a: { b: { c: 1 } } }, { '__proto__ ': 1 }, '2026-01-31T12:00:00.000Z', '0000-00-00'],
    ...['9999-12-31T23:59:59.999999999Z', { '!': 'timestamp', value: 4e9 }],
  ),
)

const headerName = fc.constantFrom(
  ...['relayed-at', 'x-death', 'x-delivery-count', 'dead-letter-reason', 'last-error', 'attempts'],
  ...['original-queue', 'original-exchange', 'original-routing-key', 'x-first-death-queue', 'CC'],
  ...['BCC', '', 'toString', 'content-type', 'n'.repeat(200), 'x-match', 'traceparent'],
)

/** CC and BCC are read by the broker, which takes a list of texts and nothing else. */
const headers = fc
  .dictionary(headerName, headerValue, { maxKeys: 3 })
  .map((all) => Object.fromEntries(Object.entries(all).map(([name, value]) => [name, /CC$/.test(name) ? ['nowhere'] : value]))) // biome-ignore format: one line

const shortText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.constantFrom('', 'x'.repeat(255), 'application/json', 'gzip', '0', '-1', 'PaymentRequested'),
)

const properties = fc.record(
  {
    messageId: shortText,
    type: shortText,
    contentType: fc.oneof(
      shortText,
      fc.constantFrom('application/cloudevents-batch+json', 'application/cloudevents+json'),
    ),
    contentEncoding: shortText,
    correlationId: shortText,
    replyTo: fc.constantFrom('', 'nowhere', 'amq.gen-x'),
    appId: shortText,
    timestamp: fc.constantFrom(0, 1, 4e9, 2 ** 40),
    priority: fc.nat({ max: 255 }),
    deliveryMode: fc.constantFrom(1, 2),
  },
  { requiredKeys: [] },
)

/** Several events in one message, a line each. */
const isShared = fc.constantFrom(...Array<boolean>(15).fill(false), true)

const eventOf = (type: EventType) => {
  const dataschema = { const: `https://x/${schemaNameOf(type)}` }
  const schema = eventSchemas[type] as unknown as Schema
  const withVersion = { ...schema, properties: { ...schema.properties, dataschema } }
  const content = fc.oneof(
    { weight: 12, arbitrary: jsonFor(withVersion) },
    { weight: 3, arbitrary: jsonFor(schema) },
    { weight: 2, arbitrary: oddJson },
    { weight: 1, arbitrary: fc.string({ unit: 'binary' }).map(bytes) },
    { weight: 1, arbitrary: fc.constant(`"${'x'.repeat(65_536)}"`) },
  )
  return content.map((content) => ({ type, content }))
}
const event = fc.oneof(...allEventTypes.map(eventOf))

/** Events of every type, right and wrong, with properties and headers that anybody may write. */
export const messageCases: fc.Arbitrary<MessageCase> = fc
  .record({
    event,
    isShared,
    neighbours: fc.array(event, { maxLength: 4 }),
    other: fc.constantFrom(...allEventTypes),
    isElsewhere: fc.constantFrom(...Array<boolean>(20).fill(false), true),
    mutations,
    properties: fc.oneof(
      { weight: 2, arbitrary: fc.constant({}) },
      { weight: 1, arbitrary: properties },
    ),
    headers: fc.oneof({ weight: 2, arbitrary: fc.constant({}) }, { weight: 1, arbitrary: headers }),
  })
  .map(({ event, isShared, neighbours, other, isElsewhere, mutations, ...options }) => {
    const routed = isElsewhere ? other : event.type
    const lines = [event, ...neighbours].map(({ content }) => content)
    const content = mutated(isShared ? lines.join('\n') : event.content, mutations)
    const { headers } = options
    const properties = isShared ? { contentType: sharedContentType } : options.properties
    return { ...routes[routed], to: eventTypes[routed].to, content, properties, headers }
  })

/** The events of a message, as whoever gets it must take them. */
export function partsOf({ content, properties }: MessageCase): string[] {
  if (properties.contentType !== sharedContentType || content.length > maxSharedBytes + 1)
    return [content]
  const lines = content.split('\n').filter((line) => line !== '')
  return lines.length > 0 ? lines : ['']
}
