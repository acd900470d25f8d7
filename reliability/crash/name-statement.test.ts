import assert from 'node:assert/strict'
import { isChange, isNamed, nameStatement } from './name-statement.ts'

const claim = '\n  /* claimEvents */\n  SELECT event_id FROM outbox FOR UPDATE SKIP LOCKED'
const lock = 'select * from "accounts" where "user_id" = $1 for no key update /* lockAccount */'

describe('nameStatement', () => {
  const names: [statement: string, name: string][] = [
    ['begin', 'begin'],
    ['commit', 'commit'],
    ['rollback', 'rollback'],
    ['LISTEN "order_status"', 'listen order_status'],
    ['LISTEN "probe_01910f5e-7b2a-7c31-9d0e-6a1b2c3d4e5f"', 'listen probe'],
    [claim, 'claimEvents'],
    [lock, 'lockAccount'],
  ]
  for (const [statement, name] of names) {
    it(`calls ${JSON.stringify(statement)} "${name}"`, () => {
      assert.equal(nameStatement(statement), name)
      assert.ok(isNamed(statement))
    })
  }

  it('calls a NOTIFY by its channel', () => {
    const statement = '/* notify */ SELECT pg_notify($1, payload) FROM unnest($2) AS payload'
    assert.equal(nameStatement(statement, ['outbox', ['']]), 'notify outbox')
  })

  it('knows a statement that nobody has named', () => {
    for (const statement of ['VACUUM', 'SELECT 1', 'select * from "orders" where "a" = $1']) {
      assert.ok(!isNamed(statement))
    }
  })

  it('tells what changes something from what only reads or locks', () => {
    const changes = [
      'INSERT INTO inbox (event_id) SELECT $1 ON CONFLICT (event_id) DO NOTHING',
      'insert into "ledger" ("tx_id") values ($1)',
      'UPDATE outbox\n    SET published_at = now()',
      'update "accounts" set "balance" = $1',
      'DELETE FROM inbox WHERE event_id = ANY ($1)',
      'SELECT pg_notify($1, $2)',
    ]
    for (const statement of changes) assert.ok(isChange(statement), statement)
    for (const statement of [claim, lock, 'SELECT FROM orders']) assert.ok(!isChange(statement))
  })
})
