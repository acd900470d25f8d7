import assert from 'node:assert/strict'
import { nameStatement } from './name-statement.ts'

describe('nameStatement', () => {
  const names: [statement: string, name: string][] = [
    ['begin', 'begin'],
    ['LISTEN "order_status"', 'listen order_status'],
    ["SELECT pg_catalog.set_config('lock_timeout', '1', false)", 'state settings'],
    ['LISTEN "probe_01910f5e-7b2a-7c31-9d0e-6a1b2c3d4e5f"', 'listen probe'],
    ['SELECT FROM inbox LIMIT 0', 'select inbox'],
    ['SELECT 1 AS heartbeat', 'select heartbeat'],
    ['SELECT extract(epoch FROM now() - x) FROM orders FOR UPDATE SKIP LOCKED', 'claim orders'],
    ['SELECT clock_timestamp() AS now', 'call clock_timestamp'],
    ['SELECT pg_try_advisory_xact_lock($1) AS locked', 'call pg_try_advisory_xact_lock'],
    [
      'SELECT pg_try_advisory_xact_lock(name) AS locked FROM unnest($1) AS name',
      'call pg_try_advisory_xact_lock',
    ],
    ['insert into "orders" ("order_id") values ($1) returning "order_id"', 'insert orders'],
    ['INSERT INTO inbox SELECT * FROM unnest($1::uuid[]) ON CONFLICT DO NOTHING', 'insert inbox'],
    [
      'INSERT INTO attempts (event_id, started) SELECT $1 ON CONFLICT (event_id) DO UPDATE SET a = 1',
      'insert attempts',
    ],
    [
      'INSERT INTO attempts (event_id, started, last_error) VALUES ($1, 1, $2)',
      'insert attempts with last_error',
    ],
    [
      'WITH ours AS (\n SELECT a FROM orders FOR NO KEY UPDATE SKIP LOCKED) SELECT a FROM orders',
      'lock or skip orders',
    ],
    ['DELETE FROM inbox WHERE event_id = ANY ($1)', 'delete inbox'],
    [
      'DELETE FROM "inbox" WHERE ctid = ANY (ARRAY(SELECT ctid FROM "inbox" FOR UPDATE SKIP LOCKED))',
      'expire inbox',
    ],
    [
      'UPDATE outbox\n  SET published_at = now(), last_error = NULL',
      'update outbox set published_at',
    ],
    [
      'UPDATE orders SET status = x.status FROM unnest($1) AS x WHERE x.id = 1',
      'update orders set status',
    ],
    [
      'WITH due AS (SELECT 1 FROM orders FOR UPDATE) UPDATE orders SET a = 1',
      'update orders set a',
    ],
    ['select * from "accounts" where "user_id" = any($1) for no key update', 'lock accounts'],
    [
      'SELECT event_id FROM outbox WHERE published_at IS NULL FOR UPDATE SKIP LOCKED',
      'claim outbox',
    ],
    ['select * from "orders" where "order_id" = $1', 'select orders by order_id'],
    [
      `select * from "orders" where "user_id" = $1 and ("created_at", "order_id") < ($2, $3)`,
      'select orders by user_id, created_at',
    ],
    ['VACUUM', 'vacuum'],
  ]
  for (const [statement, name] of names) {
    it(`calls ${JSON.stringify(statement.slice(0, 60))} "${name}"`, () => {
      assert.equal(nameStatement(statement), name)
    })
  }

  it('calls a NOTIFY by its channel', () => {
    const statement = 'SELECT pg_notify($1, payload) FROM unnest($2::text[]) AS payload'
    assert.equal(nameStatement(statement, ['outbox', ['']]), 'notify outbox')
  })

  it('tells questions about one table apart by what they ask', () => {
    const ask = (columns: string[]) =>
      nameStatement(`select * from orders where ${columns.map((c) => `"${c}" = 1`).join(' and ')}`)
    assert.notEqual(ask(['user_id']), ask(['user_id', 'status']))
  })
})
