import type { Variable } from '#chassis/config.ts'
import { type Service as Process, runService } from '#chassis/lifecycle.ts'
import type { Service } from '#contracts/event-types.ts'
import { type HttpMetrics, serve } from '#http/server.ts'

/**
 * The variables of a service: its database, the keys that sign its own events, and the keys that
 * verify those of the other one.
 */
export const variableNames = {
  orders: {
    database: 'ORDERS_DATABASE_URL',
    signing: 'ORDERS_EVENT_SIGNING_KEYS',
    verifying: 'PAYMENTS_EVENT_SIGNING_KEYS',
  },
  payments: {
    database: 'PAYMENTS_DATABASE_URL',
    signing: 'PAYMENTS_EVENT_SIGNING_KEYS',
    verifying: 'ORDERS_EVENT_SIGNING_KEYS',
  },
} satisfies Record<Service, Record<'database' | 'signing' | 'verifying', string>>

/** Runs a process without an API, which serves only /livez, /readyz and /metrics on its port. */
export const runWorker = <Config extends Record<string, unknown>>(
  name: string,
  variables: { [K in keyof Config]: Variable<Config[K]> },
  metrics: HttpMetrics,
  work: (worker: Process<Config>) => Promise<void>,
): Promise<void> =>
  runService<Config>(name, variables, async (worker) => {
    const { config, health, logger, resources, tracing } = worker
    resources.use(await serve({ ...config, health, logger, metrics, tracing }))
    await work(worker)
  })
