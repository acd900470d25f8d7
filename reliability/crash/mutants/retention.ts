import { type Mutant, test } from './mutant.ts'

const expiring = 'messaging/retention/retention.integration.test.ts'

/** What is deleted after its time, and what is not. */
export const retentionMutants: readonly Mutant[] = [
  {
    name: 'retention-takes-unpublished',
    why: 'an event that is not published is not deleted, however old',
    at: 'messaging/retention/expiring-tables.ts engineTables',
    find: "'published_at'",
    put: "'created_at'",
    caughtBy: test(expiring, 'never deletes an event that is not published'),
  },
  {
    name: 'retention-by-id-alone',
    why: 'an old event that was redriven is in the inbox as long as any other',
    at: 'messaging/retention/rows.ts deleteExpired',
    find: 'sql.ref($table.age)',
    put: "sql`'-infinity'::timestamptz`",
    caughtBy: test(expiring, 'keeps an old event in the inbox'),
  },
  {
    name: 'retention-waits-for-locks',
    why: 'one row that somebody holds does not stop retention',
    at: 'messaging/retention/rows.ts deleteExpired',
    sql: 'FOR UPDATE SKIP LOCKED',
    put: 'FOR UPDATE',
    caughtBy: test(expiring, 'does not wait for a row that somebody has locked'),
  },
  {
    name: 'retention-counted-apart',
    why: 'rows, their number and the place to go on change together',
    at: 'messaging/retention/retention.ts expireSome',
    find: 'deleteExpired(trx, ...$$rest)',
    put: 'deleteExpired(db as never, $$rest)',
    caughtBy: test(expiring, 'when a turn ends in the middle'),
  },
  {
    name: 'retention-without-rest',
    why: 'the flow goes first, whoever deletes',
    at: 'messaging/retention/rows.ts claimTable',
    sql: 'AND due_at <= now()',
    put: '',
    caughtBy: test(expiring, 'rests after a turn'),
  },
  {
    name: 'inbox-of-any-length',
    why: 'an inbox that forgets what may still arrive is refused at the start',
    at: 'messaging/retention/policy.ts horizonFault',
    find: '$inbox.ms >= $neededMs',
    put: '$inbox.ms >= 0',
    caughtBy: test('messaging/retention/policy.test.ts', 'and no shorter one'),
  },
  {
    name: 'redriven-beyond-the-inbox',
    why: 'an event of which the inbox may have forgotten a copy is redriven only when told',
    at: 'operator/dead-letters/redrive.ts redriveDeadLetters.isRefused',
    find: '!$isBeyondInbox && isOld($letter)',
    put: 'false',
    caughtBy: test(
      'operator/dead-letters/dead-letters.integration.test.ts',
      'left in their places, and named, while younger',
    ),
  },
  {
    name: 'version-without-end',
    why: 'a hot account pays on after two billion entries',
    at: 'payments-consumer/rows.ts changeBalances',
    sql: '(version::bigint + change.count) %',
    put: 'version + change.count + 0 *',
    caughtBy: test(
      'payments-consumer/handle-batch.integration.test.ts',
      'at the end of its versions',
    ),
  },
]
