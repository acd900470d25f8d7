/**
 * Who sends what where. Data only: messaging/broker turns it into exchanges, queues and bindings, and
 * every process declares the part that it touches, so that any of them may start first.
 */
export const exchanges = { orders: 'orders.events', payments: 'payments.events' } as const

/** Where the relay sends an event of a type. */
export const routes = {
  PaymentRequested: { exchange: exchanges.orders, routingKey: 'payment.requested' },
  PaymentSucceeded: { exchange: exchanges.payments, routingKey: 'payment.succeeded' },
  PaymentFailed: { exchange: exchanges.payments, routingKey: 'payment.failed' },
} as const

/** What a consumer's queue is bound to. Its dead letters are in `<queue>.dlq`. */
export const queues = {
  paymentsConsumer: {
    queue: 'payments-consumer',
    exchange: exchanges.orders,
    routingKeys: ['payment.requested'],
  },
  ordersConsumer: {
    queue: 'orders-consumer',
    exchange: exchanges.payments,
    routingKeys: ['payment.succeeded', 'payment.failed'],
  },
} as const
