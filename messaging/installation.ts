import type { Database } from '#chassis/database/connect.ts'
import { untilAvailable } from '#chassis/database/retry.ts'
import { EnvironmentError } from '#chassis/errors.ts'
import type { Logger } from '#chassis/logger.ts'
import { Outage } from '#chassis/outage.ts'
import {
  insertInstallation,
  type InstallationRow as Row,
  readInstallation,
} from './installation-rows.ts'

/** What a process knows of the installation that it belongs to. */
export interface OwnInstallation {
  /** Undefined when the process was told to stop before its database could be read. */
  id: Promise<string | undefined>
  /** Ends the process: it would work for another installation. */
  refuse: (error: Error) => void
}

/**
 * Reads from its database which installation a process belongs to; waits for a server that is away,
 * and for the migrations. Requires that the database belongs to this service.
 */
export function ownInstallation<Tables>(
  db: Database<Tables>,
  service: string,
  process: {
    logger: Logger
    signal: AbortSignal
    mustHold: (condition: Promise<void>) => void
  },
): OwnInstallation {
  const { logger, signal, mustHold } = process
  const outage = new Outage({ logger, what: 'the database, or its migrations, are not there' })
  const id = untilAvailable(() => read(db, service), signal, outage)
  mustHold(id.then(() => {}))
  return { id, refuse: (error) => mustHold(Promise.reject(error)) }
}

async function read<Tables>(db: Database<Tables>, service: string): Promise<string> {
  const row = await readInstallation(db).catch((error) => {
    throw isMissingTable(error) ? notMigrated(error) : error
  })
  if (row === undefined) throw notMigrated()
  return idOf(row, service)
}

const notMigrated = (cause?: unknown) =>
  new EnvironmentError('unavailable', 'The migrations have not run yet', { cause })

const isMissingTable = (error: { code?: string; cause?: { code?: string } }): boolean =>
  [error.code, error.cause?.code].includes('42P01')

/** The id of the row. Throws when the database is the other service's. */
function idOf(row: Row, service: string): string {
  if (row.service === service) return row.id
  const variable = `${service.toUpperCase()}_DATABASE_URL`
  throw new Error(
    `Cannot start:\n  ${variable} names the database of ${row.service}: are the two URLs swapped?`,
  )
}

/**
 * Names the installation unless it has a name; returns the one it has then. Safe to run side by
 * side.
 */
export async function nameInstallation<Tables>(db: Database<Tables>, row: Row): Promise<string> {
  await insertInstallation(db, row)
  return idOf((await readInstallation(db)) as Row, row.service)
}
