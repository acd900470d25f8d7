import { operatorPage, operatorPagePort } from '#chassis/config.ts'
import { runService } from '#chassis/lifecycle.ts'
import { untilAborted } from '#chassis/pause.ts'
import { serve } from '#http/server.ts'
import { authVariables } from '#principal/variables.ts'
import { createVerifier } from '#principal/verifier.ts'
import { pageRouter } from './app.ts'
import { readPageFiles } from './files.ts'
import { createRunner } from './run-command.ts'

/** Serves the operator's page until told to stop, as every process does; then the process ends. */
export const servePage = (env: NodeJS.ProcessEnv): Promise<void> =>
  runService(
    'operator-page',
    { port: operatorPagePort, operatorPage, ...authVariables(env) },
    async ({ config, logger, resources, health, signal, tracing }) => {
      const { verify, assertReady } = createVerifier(config, { logger, signal })
      health.check('keys of tokens', assertReady)
      const canAct = config.operatorPage === 'act'
      const run = createRunner({ env, logger, canAct })
      const isOpen = config.authMode === 'off'
      const router = pageRouter({ verify, run, canAct, isOpen, files: readPageFiles() })
      resources.use(await serve({ ...config, health, logger, router, tracing }))
      const what = canAct ? 'it may act' : 'it looks only: OPERATOR_PAGE=act lets it act'
      logger.info(`the page: http://localhost:${config.port}/operator/ (${what})`)
      await untilAborted(signal)
    },
  )
