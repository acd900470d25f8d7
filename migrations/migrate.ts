import { PG_MIGRATE_LOCK_ID, runner } from 'node-pg-migrate'
import { logLevel, postgresUrl, readConfig } from '#chassis/config.ts'
import { createLogger } from '#chassis/logger.ts'
import { identifyInstallation } from './installation.ts'
import { requireTwo, type Service, type Target, withTarget } from './target.ts'

/**
 * Brings one database up to date with the SQL files of its folder and of `both`, in
 * the order of their names. The tables are made in the first schema of the session's search path.
 *
 * Safe to run from several processes at once: they wait for each other's advisory lock, and the
 * last ones find nothing to do. All files of a run are one transaction: all of them or none.
 */
export const migrate = (databaseUrl: string, service: Service) =>
  withTarget(databaseUrl, service, runMigrations)

async function runMigrations({ service, session, schema, migrationsSchema }: Target) {
  await session.query('SELECT pg_advisory_lock($1)', [PG_MIGRATE_LOCK_ID])
  try {
    if (migrationsSchema !== undefined) await restoreOrder(session, migrationsSchema)
    return await runner({
      dbClient: session,
      dir: ['both', service].map((name) => `${import.meta.dirname}/${name}/*.sql`),
      useGlob: true,
      migrationsSchema: migrationsSchema ?? schema,
      migrationsTable: 'migrations',
      direction: 'up',
      noLock: true, // it is held, and longer
      singleTransaction: true,
      log: () => {},
    })
  } finally {
    await session.query('SELECT pg_advisory_unlock($1)', [PG_MIGRATE_LOCK_ID])
  }
}

/**
 * node-pg-migrate writes `run_on` as a local time without a zone, and reads what has run in that
 * order. Where the zone has changed, later files seem to have run before earlier ones, and each run
 * would be refused from then on. The ids know the order. Every session is in UTC now: it does not
 * come about anew.
 */
const restoreOrder = (session: Target['session'], schema: string) =>
  session.query(`
    UPDATE ${session.escapeIdentifier(schema)}.migrations AS migration SET run_on = earliest
    FROM (SELECT id, max(run_on) OVER (ORDER BY id) AS earliest
          FROM ${session.escapeIdentifier(schema)}.migrations) AS ran
    WHERE ran.id = migration.id AND run_on < earliest`)

async function main(): Promise<void> {
  const config = readConfig(process.env, {
    logLevel,
    orders: postgresUrl('ORDERS_DATABASE_URL'),
    payments: postgresUrl('PAYMENTS_DATABASE_URL'),
  })
  const logger = createLogger('migrations', config.logLevel)
  await withTarget(config.orders, 'orders', (orders) =>
    withTarget(config.payments, 'payments', (payments) => requireTwo(orders, payments)),
  )
  for (const service of ['orders', 'payments'] as const) {
    const applied = await migrate(config[service], service)
    logger.info({ database: service, applied: applied.map(({ name }) => name) }, 'migrated')
  }
  await identifyInstallation(config)
}

if (import.meta.main) {
  main().catch((error: Error) => {
    console.error(error.message)
    process.exitCode = 1
  })
}
