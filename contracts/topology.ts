import {
  allEventTypes,
  type EventType,
  eventTypes,
  eventTypesTo,
  type Service,
} from './event-types.ts'

/**
 * Who sends what where. Data only: messaging/broker turns it into exchanges, queues and bindings,
 * and every process declares the part that it touches, so that any of them may start first.
 */
export const exchanges = { orders: 'orders.events', payments: 'payments.events' } as const

/** Where an event of a type is published. */
export const routes = Object.fromEntries(
  allEventTypes.map((type) => {
    const { from, routingKey } = eventTypes[type]
    return [type, { exchange: exchanges[from], routingKey }]
  }),
) as Record<EventType, { exchange: string; routingKey: string }>

/** The same of the events of one service: what its relay publishes. */
export const routesFrom = (service: Service): Partial<typeof routes> =>
  Object.fromEntries(
    Object.entries(routes).filter(([, { exchange }]) => exchange === exchanges[service]),
  )

/** What a consumer's queue is bound to: all that its service has to handle. */
const queueOf = (service: Service, exchange: string) => ({
  queue: `${service}-consumer`,
  exchange,
  routingKeys: eventTypesTo(service).map((type) => eventTypes[type].routingKey),
})

/** Of each consumer. Its dead letters are in `<queue>.dlq`. */
export const queues = {
  paymentsConsumer: queueOf('payments', exchanges.orders),
  ordersConsumer: queueOf('orders', exchanges.payments),
}
