import type { Service } from '#contracts/event-types.ts'
import type { HttpMetrics } from '#http/server.ts'
import type { Observer } from '#messaging/index.ts'
import { type Consumed, measureConsuming } from './consuming.ts'
import { measureDatabase } from './database.ts'
import type { Destination } from './destination.ts'
import { httpMetrics, measureResponses } from './http.ts'
import { measureLoops } from './loops.ts'
import { Metrics } from './metrics.ts'
import { measureNotifications } from './notifications.ts'
import { measureProcess } from './process.ts'
import { measureRefusals } from './refusals.ts'
import { measureTurns } from './relaying.ts'
import { measureSending } from './sending.ts'
import { measureSettling } from './settling.ts'
import { measureWebSocket } from './web-socket.ts'

export { countOverdue } from './rows.ts'

/**
 * What a process measures: `metrics` for runWorker or serve, `observer` for the engine. A new
 * measure of one process is a function that takes `all`, as in settling.ts.
 */
export interface Measured {
  all: Metrics
  metrics: HttpMetrics
  observer: Observer & Required<Pick<Observer, 'database' | 'loop'>>
}

/** What every process has: itself, its loops, and its database with what waits there. */
function measure(process: string, service: Service): Measured {
  const all = new Metrics()
  measureProcess(all, process)
  const observer = { database: measureDatabase(all, service), loop: measureLoops(all) }
  return { all, metrics: httpMetrics(all), observer }
}

/** For a relay, which publishes to these destinations. */
export function measuredRelay(
  process: string,
  service: Service,
  routes: Readonly<Record<string, Destination>>,
): Measured {
  const { all, metrics, observer } = measure(process, service)
  const engine = {
    ...measureSending(all, Object.values(routes)),
    ...measureTurns(all),
    ...measureNotifications(all),
  }
  return { all, metrics, observer: { ...observer, ...engine } }
}

/** For a consumer, which publishes dead letters and deferred events. */
export function measuredConsumer(process: string, service: Service, consumed: Consumed): Measured {
  const { all, metrics, observer } = measure(process, service)
  const { queue } = consumed.queue
  const destinations = [queue, `${queue}.dlq`].map((routingKey) => ({ exchange: '', routingKey }))
  const engine = {
    ...measureSending(all, destinations),
    ...measureConsuming(all, consumed),
  }
  return { all, metrics, observer: { ...observer, ...engine } }
}

/** For the consumer that settles orders, and requests payments again. */
export function measuredSettler(process: string, service: Service, consumed: Consumed) {
  const measured = measuredConsumer(process, service, consumed)
  return { ...measured, ...measureSettling(measured.all) }
}

/** For a process with an HTTP interface, which may refuse requests for these reasons. */
export function measuredApi<Reason extends string>(
  process: string,
  service: Service,
  refusals: readonly Reason[],
) {
  const { all, observer } = measure(process, service)
  const metrics = httpMetrics(all, measureResponses(all).responded)
  return { all, metrics, observer, onRefused: measureRefusals(all, refusals) }
}

/** For the one that pushes the status of orders to clients. */
export function measuredPush(process: string, service: Service) {
  const reasons = ['user-rate', 'backlog', 'pool'] as const
  const { all, metrics, observer, onRefused } = measuredApi(process, service, reasons)
  const push = measureWebSocket(all)
  return { metrics, onRefused, push, observer: { ...observer, ...measureNotifications(all) } }
}
