import type { HttpMetrics } from '#chassis/http/metrics.ts'
import type { Service } from '#contracts/event-types.ts'
import type { Observer } from '#messaging/index.ts'
import { type Consumed, measureConsuming } from './consuming.ts'
import { measureDatabase } from './database.ts'
import type { Destination } from './destination.ts'
import { measureResponses } from './http.ts'
import { measureLoops } from './loops.ts'
import { Metrics } from './metrics.ts'
import { measureNotifications } from './notifications.ts'
import { measureProcess } from './process.ts'
import { measureTurns } from './relaying.ts'
import { measureSending } from './sending.ts'
import { measureSettling } from './settling.ts'
import { measureWebSocket } from './web-socket.ts'

/**
 * What a process measures: `metrics` for runWorker or serve, `observer` for the engine. A new
 * measure of one process is a function that takes the `Metrics`, as in settling.ts.
 */
export interface Measured {
  metrics: Metrics & HttpMetrics
  observer: Observer & Required<Pick<Observer, 'database' | 'loop'>>
}

/** What every process has: itself, its loops, and its database with what waits there. */
function measure(process: string, service: Service): Measured {
  const metrics = new Metrics()
  measureProcess(metrics, process)
  const observer = {
    database: measureDatabase(metrics, service),
    loop: measureLoops(metrics),
  }
  return { metrics, observer }
}

/** For a relay, which publishes to these destinations. */
export function measuredRelay(
  process: string,
  service: Service,
  routes: Readonly<Record<string, Destination>>,
): Measured {
  const { metrics, observer } = measure(process, service)
  const engine = {
    ...measureSending(metrics, Object.values(routes)),
    ...measureTurns(metrics),
    ...measureNotifications(metrics),
  }
  return { metrics, observer: { ...observer, ...engine } }
}

/** For a consumer, which publishes dead letters and deferred events. */
export function measuredConsumer(process: string, service: Service, consumed: Consumed): Measured {
  const { metrics, observer } = measure(process, service)
  const { queue } = consumed.queue
  const destinations = [queue, `${queue}.dlq`].map((routingKey) => ({ exchange: '', routingKey }))
  const engine = {
    ...measureSending(metrics, destinations),
    ...measureConsuming(metrics, consumed),
  }
  return { metrics, observer: { ...observer, ...engine } }
}

/** For the consumer that settles orders, and requests payments again. */
export function measuredSettler(process: string, service: Service, consumed: Consumed) {
  const measured = measuredConsumer(process, service, consumed)
  return { ...measured, ...measureSettling(measured.metrics) }
}

/** For a process with an HTTP interface. */
export function measuredApi(process: string, service: Service): Measured {
  const { metrics, observer } = measure(process, service)
  return { metrics: Object.assign(metrics, measureResponses(metrics)), observer }
}

/** For the one that pushes the status of orders to clients. */
export function measuredPush(process: string, service: Service) {
  const { metrics, observer } = measuredApi(process, service)
  const push = measureWebSocket(metrics)
  return { metrics, push, observer: { ...observer, ...measureNotifications(metrics) } }
}
