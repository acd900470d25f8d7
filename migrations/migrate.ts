import { runner } from 'node-pg-migrate'
import { logLevel, readConfig } from '#chassis/config.ts'
import { createLogger } from '#chassis/logger.ts'
import { postgresUrl } from '#chassis/server-urls.ts'
import { passwordVariables } from '#roles/login.ts'
import { identifyInstallation } from './installation.ts'
import { exclusively } from './lock.ts'
import { createRoles, grantRights } from './roles.ts'
import { requireTwo, type Service, type Target, withTarget } from './target.ts'

/**
 * Brings one database up to date with the SQL files of its folder and of `both`, in
 * the order of their names. The tables are made in the first schema of the session's search path.
 *
 * Safe to run from several processes at once: they wait for each other's advisory lock, and the
 * last ones find nothing to do. All files of a run are one transaction: all of them or none. The
 * rights of the roles follow, if the owner of the schema runs it.
 */
export const migrate = (databaseUrl: string, service: Service) =>
  withTarget(databaseUrl, service, runMigrations)

async function runMigrations(target: Target) {
  const { service, session, schema, migrationsSchema } = target
  return exclusively(session, async () => {
    if (migrationsSchema !== undefined) await restoreOrder(session, migrationsSchema)
    const applied = await runner({
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
    await grantRights(target)
    return applied
  })
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

const variables = {
  logLevel,
  orders: postgresUrl('ORDERS_DATABASE_URL'),
  payments: postgresUrl('PAYMENTS_DATABASE_URL'),
}

/** With `--with-roles`, the URLs are an administrator's, and each role has a password. */
async function main(withRoles: boolean): Promise<void> {
  const config = readConfig(process.env, variables)
  const passwords = withRoles ? readConfig(process.env, passwordVariables) : undefined
  const logger = createLogger('migrations', config.logLevel)
  await withTarget(config.orders, 'orders', (orders) =>
    withTarget(config.payments, 'payments', (payments) => requireTwo(orders, payments)),
  )
  const urls = passwords ? await createRoles(config, passwords) : config
  for (const service of ['orders', 'payments'] as const) {
    const applied = await migrate(urls[service], service)
    logger.info({ database: service, applied: applied.map(({ name }) => name) }, 'migrated')
  }
  await identifyInstallation(urls)
}

if (import.meta.main) {
  main(process.argv.includes('--with-roles')).catch((error: Error) => {
    console.error(error.message)
    process.exitCode = 1
  })
}
