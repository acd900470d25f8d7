import { sql } from 'kysely'
import { AppError } from '../errors.ts'
import type { Logger } from '../logger.ts'
import { Outage } from '../outage.ts'
import type { Database } from './connect.ts'
import { untilAvailable } from './retry.ts'

/** Whose database it is. */
export type ServiceName = 'orders' | 'payments'

interface Row {
  id: string
  service: ServiceName
}

/** What a process knows of the installation that it belongs to. */
export interface OwnInstallation {
  /** Undefined when the process was told to stop before its database could be read. */
  id: Promise<string | undefined>
  /** Ends the process: it would work for another installation. */
  refuse: (error: Error) => void
}

/**
 * Reads from its database which installation a process belongs to; waits for a server that is away, and for
 * the migrations. Demands that it is the database of this service.
 */
export function ownInstallation<Tables>(
  db: Database<Tables>,
  service: ServiceName,
  process: {
    logger: Logger
    signal: AbortSignal
    demand: (condition: Promise<void>) => void
  },
): OwnInstallation {
  const { logger, signal, demand } = process
  const outage = new Outage({ logger, what: 'the database, or its migrations, are not there' })
  const id = untilAvailable(() => read(db, service), signal, outage)
  demand(id.then(() => {}))
  return { id, refuse: (error) => demand(Promise.reject(error)) }
}

async function read<Tables>(db: Database<Tables>, service: ServiceName): Promise<string> {
  const row = await readInstallation(db).catch((error) => {
    throw isMissingTable(error) ? notMigrated(error) : error
  })
  if (row === undefined) throw notMigrated()
  return idOf(row, service)
}

const notMigrated = (cause?: unknown) =>
  new AppError('unavailable', 'The migrations have not run yet', { cause })

const isMissingTable = (error: { code?: string; cause?: { code?: string } }): boolean =>
  [error.code, error.cause?.code].includes('42P01')

/** The id of the row. Throws when the database is the other service's. */
export function idOf(row: Row, service: ServiceName): string {
  if (row.service === service) return row.id
  const variable = `${service.toUpperCase()}_DATABASE_URL`
  throw new Error(
    `Cannot start:\n  ${variable} names the database of ${row.service}: are the two URLs swapped?`,
  )
}

/** Undefined before the migrations have named it. */
export async function readInstallation<Tables>(db: Database<Tables>): Promise<Row | undefined> {
  const { rows } = await sql<Row>`SELECT id, service FROM installation`.execute(db)
  return rows[0]
}

/** Names the installation unless it has a name; returns the one it has then. Safe to run side by side. */
export async function nameInstallation<Tables>(
  db: Database<Tables>,
  { id, service }: Row,
): Promise<string> {
  await sql`
    INSERT INTO installation (id, service) VALUES (${id}::uuid, ${service}) ON CONFLICT DO NOTHING
  `.execute(db)
  return idOf((await readInstallation(db)) as Row, service)
}
