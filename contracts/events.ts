import { type Static, type TSchema, Type } from 'typebox'
import { allEventTypes, type EventType, eventTypes, schemaNameOf } from './event-types.ts'
import { PaymentTimeline } from './timeline.ts'
import { formatTraceparent, parseTraceparent } from './traceparent.ts'
import { UserId } from './user-id.ts'

/**
 * What travels between the services: CloudEvents 1.0, structured JSON. Written once here; the
 * types, the validators (decode-event.ts) and the documents are made from it.
 *
 * A consumer is a tolerant reader: fields it does not know are ignored, so that a newer sender may
 * add some. A change that a reader must know about is a new major version in `dataschema`.
 */
const Uuid = Type.String({
  pattern: '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$',
  description: 'a UUID in lower case',
})

const Amount = Type.String({
  pattern: '^(?!0\\.00$)(0|[1-9][0-9]{0,15})\\.[0-9]{2}$',
  description: 'money, more than zero, with two places',
  examples: ['12.50'],
})

/** What is said of an order in each event about it. */
const aboutOrder = { order_id: Uuid, user_id: UserId, amount: Amount }

/** The data of a reply: the order, the times of its request, and what only this reply says. */
const replyWith = <Fields extends Record<string, TSchema>>(fields: Fields) =>
  Type.Object({ ...aboutOrder, timeline: Type.Optional(PaymentTimeline), ...fields })

/** Any value fits: a trace must not decide whether an event is handled. */
const Traceparent = Type.Unknown({
  description:
    'the trace that the event belongs to (W3C Trace Context, version 00); a malformed one is ignored',
  examples: ['00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'],
})

const envelope = <Name extends string, Source extends string, Data extends TSchema>(
  type: Name,
  source: Source,
  data: Data,
) =>
  Type.Object({
    specversion: Type.Literal('1.0', { description: 'the version of CloudEvents' }),
    id: Type.String({ ...Uuid, description: 'names the event: one that comes again has the same' }),
    type: Type.Literal(type, { description: 'what has happened' }),
    source: Type.Literal(source, { description: 'where it has happened' }),
    subject: Type.Optional(Type.String({ ...Uuid, description: 'the order' })),
    time: Type.Optional(Type.String({ format: 'date-time', description: 'when it has happened' })),
    datacontenttype: Type.Optional(Type.String({ description: 'application/json' })),
    dataschema: Type.Optional(
      Type.String({ description: 'the URI of its schema, with its major version' }),
    ),
    traceparent: Type.Optional(Traceparent),
    data,
  })

const PaymentFailureReason = Type.Union([
  Type.Literal('INSUFFICIENT_FUNDS'),
  Type.Literal('ACCOUNT_NOT_FOUND'),
])

export const RefundFailureReason = Type.Literal('BALANCE_LIMIT', {
  description: 'the balance would exceed 9999999999999999.99',
})

/** Why Payments has refused what it was asked for. */
export const FailureReason = Type.Union([...PaymentFailureReason.anyOf, RefundFailureReason])

/** The data of each event in the table of event-types.ts. */
const eventData = {
  PaymentRequested: Type.Object(aboutOrder),
  PaymentSucceeded: replyWith({ tx_id: Uuid }),
  PaymentFailed: replyWith({ reason: PaymentFailureReason }),
  RefundRequested: Type.Object(aboutOrder),
  PaymentRefunded: replyWith({ tx_id: Uuid }),
  RefundFailed: replyWith({ reason: RefundFailureReason }),
} satisfies Record<EventType, TSchema>

type EventSchemas = {
  [T in EventType]: ReturnType<
    typeof envelope<T, `/${(typeof eventTypes)[T]['from']}`, (typeof eventData)[T]>
  >
}

export const eventSchemas = Object.fromEntries(
  allEventTypes.map((type) => [type, envelope(type, `/${eventTypes[type].from}`, eventData[type])]),
) as unknown as EventSchemas

export type EventOf<T extends EventType> = Static<EventSchemas[T]>
export type PaymentRequested = EventOf<'PaymentRequested'>
export type FailureReason = Static<typeof FailureReason>
export type PaymentFailureReason = Static<typeof PaymentFailureReason>
export type RefundFailureReason = Static<typeof RefundFailureReason>

/**
 * What the URI of a schema begins with when it comes from us; whoever sends may have a place of
 * their own.
 */
const schemaBase = 'https://orders-payments.example/schemas'

/** What a decision says has happened: an event without its envelope. */
export type Fact = {
  [T in EventType]: { type: T; data: Static<(typeof eventData)[T]> }
}[EventType]

/** What an event says of itself, beside its fact. */
interface Stamp {
  /** A UUIDv7; becomes `outbox.event_id`. */
  id: string
  time: Date
  /** Of what has caused the event, as it came; a malformed one is left out. */
  traceparent?: unknown
}

/** The event that tells of a fact, ready for the outbox. */
export function createEvent({ type, data }: Fact, { id, time, traceparent }: Stamp) {
  const context = parseTraceparent(traceparent)
  return {
    specversion: '1.0',
    id,
    type,
    source: `/${eventTypes[type].from}`,
    subject: data.order_id,
    time: time.toISOString(),
    datacontenttype: 'application/json',
    dataschema: `${schemaBase}/${schemaNameOf(type)}`,
    ...(context && { traceparent: formatTraceparent(context) }),
    data,
  }
}
