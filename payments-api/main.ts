import { postgresUrl } from '#chassis/config.ts'
import { connectDatabase } from '#chassis/database/connect.ts'
import { requireDurability } from '#chassis/database/durability.ts'
import { serve } from '#chassis/http/server.ts'
import { runService } from '#chassis/lifecycle.ts'
import { untilAborted } from '#chassis/pause.ts'
import { measuredApi } from '#metrics/index.ts'
import type { PaymentsDatabase } from '#tables/payments.ts'
import { paymentsRouter } from './app.ts'
import { pingAccounts } from './rows.ts'

const { metrics, observer } = measuredApi('payments-api', 'payments')

/** Accounts: opens them, tops them up, shows what happened on them. */
await runService(
  'payments-api',
  { databaseUrl: postgresUrl('PAYMENTS_DATABASE_URL') },
  async ({ name, config, logger, resources, health, signal, requireOrExit }) => {
    const db = resources.use(
      connectDatabase<PaymentsDatabase>({ name, url: config.databaseUrl, poolSize: 20 }),
    )
    observer.database(db)
    requireOrExit(requireDurability(db, signal, logger))
    health.check('database', () => pingAccounts(db))
    resources.use(
      await serve({ ...config, health, logger, metrics, router: paymentsRouter({ db }) }),
    )

    await untilAborted(signal)
  },
)
