import type { Variable } from './config.ts'
import { serve } from './http/server.ts'
import { runService, type Service } from './lifecycle.ts'

/** A process without an HTTP interface of its own: it answers /livez and /readyz on its port, and works. */
export const runWorker = <Config extends Record<string, unknown>>(
  name: string,
  variables: { [K in keyof Config]: Variable<Config[K]> },
  work: (worker: Service<Config>) => Promise<void>,
): Promise<void> =>
  runService<Config>(name, variables, async (worker) => {
    const { config, health, logger, resources } = worker
    resources.use(await serve({ ...config, health, logger }))
    await work(worker)
  })
