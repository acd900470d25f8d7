import assert from 'node:assert/strict'
import { sql } from 'kysely'
import { type TestDatabase, useDatabase } from '#testing/database.ts'
import type { MessagingDatabase } from './tables.ts'

const tables = [
  'outbox',
  'inbox',
  'attempts',
  'deferred_events',
  'retention',
] satisfies (keyof MessagingDatabase)[]

/** All that makes the table what it is, in words of PostgreSQL. */
async function descriptionOf(database: Pick<TestDatabase<unknown>, 'rows'>, table: string) {
  const [row] = await database.rows(sql<{ comment: string; columns: object[]; rest: string[] }>`
    SELECT obj_description(${table}::regclass) AS comment,
      (SELECT json_agg(json_build_object(
          'name', attname, 'type', format_type(atttypid, atttypmod), 'isNotNull', attnotnull,
          'default', pg_get_expr(adbin, adrelid), 'identity', attidentity, 'generated', attgenerated,
          'comment', col_description(attrelid, attnum)) ORDER BY attnum)
       FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
       WHERE attrelid = ${table}::regclass AND attnum > 0 AND NOT attisdropped) AS columns,
      ARRAY(SELECT conname || ' ' || pg_get_constraintdef(oid) FROM pg_constraint
            WHERE conrelid = ${table}::regclass
            UNION ALL
            SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = ${table}::regclass
            UNION ALL
            SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE tgrelid = ${table}::regclass
            UNION ALL
            SELECT unnest(reloptions) FROM pg_class WHERE oid = ${table}::regclass
            ORDER BY 1) AS rest
  `)
  return row
}

describe('schema.sql', () => {
  const alone = useDatabase('messaging')
  const migrated = { orders: useDatabase('orders'), payments: useDatabase('payments') }

  for (const table of tables) {
    for (const [service, database] of Object.entries(migrated)) {
      it(`makes the table ${table} that the migrations of ${service} make`, async () => {
        const made = await descriptionOf(alone, table)
        assert.ok(made && made.columns.length > 2 && made.rest.length > 1)
        assert.deepEqual(made, await descriptionOf(database as TestDatabase<unknown>, table))
      })
    }
  }

  it('makes no table besides, and no other object', async () => {
    const names = await alone.rows(sql<{ name: string }>`
      SELECT relname AS name FROM pg_class
      WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'v', 'm', 'p', 'f')`)
    assert.deepEqual(names.map(({ name }) => name).sort(), [...tables].sort())
  })
})
