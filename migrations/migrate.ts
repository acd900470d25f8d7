import { runner } from 'node-pg-migrate'
import { logLevel, postgresUrl, readConfig } from '#chassis/config.ts'
import { createLogger } from '#chassis/logger.ts'

/**
 * Brings one database up to date with the SQL files of its folder and of `both`, in
 * the order of their names.
 *
 * Safe to run from several processes at once: they wait for each other's advisory lock, and the
 * last ones find nothing to do. All files of a run are one transaction: all of them or none.
 */
export async function migrate(databaseUrl: string, folder: 'orders' | 'payments') {
  return runner({
    databaseUrl,
    dir: ['both', folder].map((name) => `${import.meta.dirname}/${name}/*.sql`),
    useGlob: true,
    migrationsTable: 'migrations',
    direction: 'up',
    advisoryLockMode: 'wait',
    singleTransaction: true,
    log: () => {},
  })
}

async function main(): Promise<void> {
  const config = readConfig(process.env, {
    logLevel,
    orders: postgresUrl('ORDERS_DATABASE_URL'),
    payments: postgresUrl('PAYMENTS_DATABASE_URL'),
  })
  const logger = createLogger('migrations', config.logLevel)
  for (const folder of ['orders', 'payments'] as const) {
    const applied = await migrate(config[folder], folder).catch((cause: Error) => {
      const database = `${folder.toUpperCase()}_DATABASE_URL`
      throw new Error(`The database of ${database} cannot be migrated: ${reasonOf(cause)}`, {
        cause,
      })
    })
    logger.info({ database: folder, applied: applied.map(({ name }) => name) }, 'migrated')
  }
}

/** A refused connection has its reason in a code, not in its message. */
const reasonOf = ({ message, ...error }: NodeJS.ErrnoException) => message || error.code

if (import.meta.main) {
  main().catch((error: Error) => {
    console.error(error.message)
    process.exitCode = 1
  })
}
