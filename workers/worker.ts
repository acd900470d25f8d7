import type { Variable } from './config.ts'
import { type HttpMetrics, serve } from './http/server.ts'
import { runService, type Service } from './lifecycle.ts'

/** Runs a process without an API, which serves only /livez, /readyz and /metrics on its port. */
export const runWorker = <Config extends Record<string, unknown>>(
  name: string,
  variables: { [K in keyof Config]: Variable<Config[K]> },
  metrics: HttpMetrics,
  work: (worker: Service<Config>) => Promise<void>,
): Promise<void> =>
  runService<Config>(name, variables, async (worker) => {
    const { config, health, logger, resources, tracing } = worker
    resources.use(await serve({ ...config, health, logger, metrics, tracing }))
    await work(worker)
  })
