/** The two services. Each sends what it has to say to the other. */
export type Service = 'orders' | 'payments'

interface EventDescription {
  /** Who tells it. Decides source and exchange, and whose relay publishes it. */
  from: Service
  /** Who has to hear of it. Decides the queue, and whose consumer handles it. */
  to: Service
  routingKey: string
  /** The major version of its schema. */
  version: number
  /** For people who read the documents. */
  summary: string
}

/**
 * Every event that travels between the services. Exchanges, queues, bindings, decoders, the
 * documents and what each consumer has to handle are made from this table. The schema of an event's
 * data is in events.ts: a relay needs none, and does not load them.
 */
export const eventTypes = {
  PaymentRequested: {
    from: 'orders',
    to: 'payments',
    routingKey: 'payment.requested',
    version: 1,
    summary: 'Orders asks for the money of an order',
  },
  PaymentSucceeded: {
    from: 'payments',
    to: 'orders',
    routingKey: 'payment.succeeded',
    version: 1,
    summary: 'Payments has taken the money of an order',
  },
  PaymentFailed: {
    from: 'payments',
    to: 'orders',
    routingKey: 'payment.failed',
    version: 1,
    summary: 'Payments has not taken the money of an order, and says why',
  },
  RefundRequested: {
    from: 'orders',
    to: 'payments',
    routingKey: 'refund.requested',
    version: 1,
    summary: 'Orders asks for the money of a paid order to be given back',
  },
  PaymentRefunded: {
    from: 'payments',
    to: 'orders',
    routingKey: 'payment.refunded',
    version: 1,
    summary: 'Payments has given back the money of an order',
  },
  RefundFailed: {
    from: 'payments',
    to: 'orders',
    routingKey: 'refund.failed',
    version: 1,
    summary:
      'Payments has not given back the money of an order, and says why; the order is PAID again',
  },
} as const satisfies Record<string, EventDescription>

export type EventType = keyof typeof eventTypes

/** The types of the events that a service has to handle. */
export type EventTypeTo<S extends Service> = {
  [T in EventType]: (typeof eventTypes)[T]['to'] extends S ? T : never
}[EventType]

/** Asks Payments for a decision about an order. */
export type RequestType = EventTypeTo<'payments'>
/** Tells Orders what Payments has decided. */
export type ReplyType = EventTypeTo<'orders'>

/** In the order of the table. */
export const allEventTypes = Object.keys(eventTypes) as EventType[]

/** Whatever a service has to handle: what its queue is bound to, and its consumer decodes. */
export const eventTypesTo = <S extends Service>(service: S): EventTypeTo<S>[] =>
  allEventTypes.filter((type) => eventTypes[type].to === service) as EventTypeTo<S>[]

/** What the URI of an event's schema ends in: its name, with its major version. */
export const schemaNameOf = (type: EventType): string => {
  const { routingKey, version } = eventTypes[type]
  return `${routingKey.replace('.', '-')}.v${version}.json`
}
