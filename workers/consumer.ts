import type { Variable } from '#chassis/config.ts'
import type { Service as Process } from '#chassis/lifecycle.ts'
import { decoderOf, invalidReasons } from '#contracts/decode-event.ts'
import type { ReplyType, RequestType, Service } from '#contracts/event-types.ts'
import type { EventOf } from '#contracts/events.ts'
import { queues } from '#contracts/topology.ts'
import { expiringKeys, idempotencyKeyRetentionHours } from '#idempotency/expiring-keys.ts'
import {
  type ConsumerOptions,
  consumerVariables,
  runConsumer,
  signatureVariables,
} from '#messaging/index.ts'
import type { Measured, measuredConsumer } from '#metrics/index.ts'
import type { OrdersDatabase } from '#tables/orders.ts'
import type { PaymentsDatabase } from '#tables/payments.ts'
import { runWorker, variableNames } from './worker.ts'

interface Tables {
  orders: OrdersDatabase
  payments: PaymentsDatabase
}

interface Events {
  orders: EventOf<ReplyType>
  payments: EventOf<RequestType>
}

const decoders: { [S in Service]: ConsumerOptions<Tables[S], Events[S]>['decode'] } = {
  orders: decoderOf('orders'),
  payments: decoderOf('payments'),
}

type Variables<Config> = { [K in keyof Config]: Variable<Config[K]> }

/** What a consumer has of its own before it runs. */
interface Own<Config, Metrics> {
  /** Why its handler gives an event up. */
  deadLetterReasons: readonly string[]
  measure: (...given: Parameters<typeof measuredConsumer>) => Metrics
  variables: Variables<Config>
}

/** What it does with the events of its queue, and besides. */
type Work<S extends Service> = Pick<
  ConsumerOptions<Tables[S], Events[S]>,
  'handle' | 'rowLocks' | 'notifiesRelay' | 'delays' | 'alongside'
>

const engineVariables = (service: Service) => ({
  ...consumerVariables(variableNames[service].database),
  ...signatureVariables(process.env, variableNames[service].verifying),
  idempotencyKeyRetentionHours,
})
type EngineConfig =
  ReturnType<typeof engineVariables> extends Variables<infer Config> ? Config : never

/** The process that handles what the other service tells this one. */
export function runConsumerOf<S extends Service, Config, Metrics extends Measured>(
  service: S,
  own: Own<Config, Metrics>,
  workOf: (worker: Process<Config> & Metrics) => Work<S>,
): Promise<void> {
  const name = `${service}-consumer`
  const queue = queues[`${service}Consumer`]
  const deadLetterReasons = [...invalidReasons, ...own.deadLetterReasons]
  const measured = own.measure(name, service, { queue, deadLetterReasons })
  const variables = { ...engineVariables(service), ...own.variables } as Variables<
    EngineConfig & Config
  >
  return runWorker<EngineConfig & Config>(name, variables, measured.metrics, (worker) =>
    runConsumer({
      ...worker,
      ...worker.config,
      observer: measured.observer,
      service,
      queue,
      decode: decoders[service],
      expiring: [expiringKeys(worker.config.idempotencyKeyRetentionHours)],
      ...workOf({ ...worker, ...measured }),
    }),
  )
}
