import { randomUUID } from 'node:crypto'
import { sql, type Transaction } from 'kysely'
import type { Database } from '#chassis/database/connect.ts'

/** All tables of a database at one moment, as files of its server. */
export interface Dump {
  tables: string[]
  fileOf: (table: string) => string
}

/**
 * Copies all tables in one snapshot, while others write. What pg_dump does, which is not among the
 * programs that npm brings; the server must be allowed to write files, so the role is an
 * administrator.
 */
export const dump = <Tables>(db: Database<Tables>): Promise<Dump> =>
  db
    .transaction()
    .setIsolationLevel('repeatable read')
    .execute(async (trx) => {
      const tables = await tablesOf(trx)
      const { rows } = await sql<{ data_directory: string }>`SHOW data_directory`.execute(trx)
      const prefix = `${rows[0]?.data_directory}/dump-${randomUUID()}`
      const fileOf = (table: string) => `${prefix}-${table}`
      for (const table of tables) {
        await sql`COPY ${sql.table(table)} TO ${sql.lit(fileOf(table))} (FORMAT binary)`.execute(
          trx,
        )
      }
      return { tables, fileOf }
    })

/** Puts all tables back, in one transaction; nobody else may be connected. */
export const restore = <Tables>(db: Database<Tables>, { tables, fileOf }: Dump): Promise<void> =>
  db.transaction().execute(async (trx) => {
    await sql`SET LOCAL session_replication_role = replica`.execute(trx) // the ledger refuses TRUNCATE
    await sql`TRUNCATE ${sql.join(tables.map((table) => sql.table(table)))}`.execute(trx)
    for (const table of tables) {
      await sql`COPY ${sql.table(table)} FROM ${sql.lit(fileOf(table))} (FORMAT binary)`.execute(
        trx,
      )
    }
  })

async function tablesOf<Tables>(trx: Transaction<Tables>): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`
    SELECT relname AS name FROM pg_class
    WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace
      AND relname <> 'migrations'`.execute(trx)
  return rows.map(({ name }) => name)
}
