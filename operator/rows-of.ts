import type { Kysely, RawBuilder } from 'kysely'

/** What one statement brings, in whichever database. */
export const rowsOf = async <Row, Tables>(
  db: Kysely<Tables>,
  statement: RawBuilder<Row>,
): Promise<Row[]> => (await statement.execute(db)).rows
