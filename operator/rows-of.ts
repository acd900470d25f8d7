import type { Kysely, RawBuilder } from 'kysely'

/** The rows of a statement, in either database. */
export const rowsOf = async <Row, Tables>(
  db: Kysely<Tables>,
  statement: RawBuilder<Row>,
): Promise<Row[]> => (await statement.execute(db)).rows
