import { postgresUrl } from '#chassis/config.ts'
import { connectDatabase } from '#chassis/database/connect.ts'
import { requireDurability } from '#chassis/database/durability.ts'
import { serve } from '#chassis/http/server.ts'
import { runService } from '#chassis/lifecycle.ts'
import { untilAborted } from '#chassis/pause.ts'
import type { PaymentsDatabase } from '#tables/payments.ts'
import { paymentsRouter } from './app.ts'
import { pingAccounts } from './rows.ts'

/** Accounts: opens them, tops them up, shows what happened on them. */
await runService(
  'payments-api',
  { databaseUrl: postgresUrl('PAYMENTS_DATABASE_URL') },
  async ({ name, config, logger, resources, health, signal, tracing, requireOrExit }) => {
    const db = resources.use(
      connectDatabase<PaymentsDatabase>({ name, url: config.databaseUrl, poolSize: 20 }),
    )
    requireOrExit(requireDurability(db, signal, logger))
    health.check('database', () => pingAccounts(db))
    const router = paymentsRouter({ db })
    resources.use(await serve({ ...config, health, logger, router, tracing }))

    await untilAborted(signal)
  },
)
