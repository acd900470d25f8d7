import { sql } from 'kysely'
import type { Queryable } from '#chassis/database/connect.ts'

export interface InstallationRow {
  id: string
  /** Whose database it is. */
  service: 'orders' | 'payments'
}

/** Undefined before the migrations have named it. */
export async function readInstallation(db: Queryable): Promise<InstallationRow | undefined> {
  const { rows } = await sql<InstallationRow>`
    /* readInstallation */
    SELECT id, service FROM installation
  `.execute(db)
  return rows[0]
}

/** The first to name it wins. */
export const insertInstallation = (db: Queryable, { id, service }: InstallationRow) =>
  sql`
    /* insertInstallation */
    INSERT INTO installation (id, service) VALUES (${id}::uuid, ${service}) ON CONFLICT DO NOTHING
  `.execute(db)
