import type { Variable } from './config.ts'
import { serve } from './http/server.ts'
import { runService, type Service } from './lifecycle.ts'

/** Runs a process without an API, which serves only /livez and /readyz on its port. */
export const runWorker = <Config extends Record<string, unknown>>(
  name: string,
  variables: { [K in keyof Config]: Variable<Config[K]> },
  work: (worker: Service<Config>) => Promise<void>,
): Promise<void> =>
  runService<Config>(name, variables, async (worker) => {
    const { config, health, logger, resources, tracing } = worker
    resources.use(await serve({ ...config, health, logger, tracing }))
    await work(worker)
  })
