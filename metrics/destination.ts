/** Where messages are published. The empty exchange is the default exchange of the broker. */
export interface Destination {
  exchange: string
  routingKey: string
}

/**
 * The name of a destination by the OpenTelemetry conventions for RabbitMQ: `{exchange}:{routing
 * key}`, and `{exchange}:{routing key}:{queue}` where a queue is read. Empty parts are left out,
 * and a queue that is equal to the routing key.
 */
export function destinationName({ exchange, routingKey }: Destination, queue = ''): string {
  const parts = [exchange, routingKey, queue === routingKey ? '' : queue]
  return parts.filter(Boolean).join(':') || 'amq.default'
}

/** Instead of a name that comes from outside: a label has known values only. */
export const otherDestination = '_OTHER'

/** How often each name occurs. */
export function countBy<T>(items: readonly T[], nameOf: (item: T) => string): Map<string, number> {
  const counts = new Map<string, number>()
  for (const item of items) {
    const name = nameOf(item)
    counts.set(name, (counts.get(name) ?? 0) + 1)
  }
  return counts
}
