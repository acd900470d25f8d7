import { connectDatabase, poolSizes } from '#chassis/database/connect.ts'
import { checkServer } from '#chassis/database/server-check.ts'
import { runService } from '#chassis/lifecycle.ts'
import { untilAborted } from '#chassis/pause.ts'
import { postgresUrl } from '#chassis/server-urls.ts'
import { serve } from '#http/server.ts'
import { userLimit } from '#limits/user-limit.ts'
import { userRateLimitPerSecond } from '#limits/variables.ts'
import { measuredApi } from '#metrics/index.ts'
import { authVariables } from '#principal/variables.ts'
import { createVerifier } from '#principal/verifier.ts'
import type { PaymentsDatabase } from '#tables/payments.ts'
import { paymentsRouter } from './app.ts'
import { pingAccounts } from './rows.ts'

const { metrics, observer, onRefused } = measuredApi('payments-api', 'payments', ['user-rate'])

/** Accounts: opens them, tops them up, shows what happened on them. */
void runService(
  'payments-api',
  {
    databaseUrl: postgresUrl('PAYMENTS_DATABASE_URL'),
    userRateLimitPerSecond,
    ...authVariables(process.env),
  },
  async ({ name, config, logger, resources, health, signal, tracing, requireOrExit }) => {
    const db = resources.use(
      connectDatabase<PaymentsDatabase>({ name, url: config.databaseUrl, poolSize: poolSizes.api }),
    )
    observer.database(db)
    requireOrExit(checkServer(db, signal, logger))
    const { verify, assertReady } = createVerifier(config, { logger, signal })
    health.check('keys of tokens', assertReady)
    health.check('database', () => pingAccounts(db))
    const limitUser = userLimit(db, { ...config, logger, onRefused })
    const router = paymentsRouter({ db, verify, limitUser })
    resources.use(await serve({ ...config, health, logger, metrics, router, tracing }))

    await untilAborted(signal)
  },
)
