import { type Mutant, test } from './mutant.ts'

const counting = 'limits/request-counter.integration.test.ts'
const core = 'orders-api/back-pressure/pressure.test.ts'
const pressure = 'orders-api/back-pressure/back-pressure.integration.test.ts'

/** How much is accepted. */
export const limitsMutants: readonly Mutant[] = [
  {
    name: 'user-without-limit',
    why: 'a user makes so many requests, in all replicas together',
    at: 'limits/rows.ts takeRequest',
    sql: 'WHERE mine.spent_until <= clock_timestamp()',
    put: 'WHERE true OR mine.spent_until <= clock_timestamp()',
    caughtBy: test(counting, 'in all replicas together'),
  },
  {
    name: 'shut-out-by-the-clock',
    why: 'a clock that was set back shuts nobody out',
    at: 'limits/rows.ts takeRequest',
    sql: 'OR mine.spent_until > clock_timestamp()',
    put: 'OR false AND mine.spent_until > clock_timestamp()',
    caughtBy: test(counting, 'the clock of the database was set back'),
  },
  {
    name: 'refused-users-asked-about',
    why: 'whoever was refused costs the database nothing for a moment',
    at: 'limits/refused-users.ts RefusedUsers.has',
    put: '{ return false }',
    caughtBy: test('limits/user-policy.test.ts', 'has a user until the next token is due'),
  },
  {
    name: 'limit-fails-closed',
    why: 'nobody is refused because requests cannot be counted',
    at: 'limits/request-counter.ts uncounted',
    put: 'refused',
    caughtBy: test(counting, 'lets everybody pass'),
  },
  {
    name: 'no-back-pressure',
    why: 'nothing new is accepted while much is overdue',
    at: 'orders-api/back-pressure/pressure.ts isBacklog',
    put: 'false',
    caughtBy: test(core, 'more are overdue than may be stuck'),
  },
  {
    name: 'pressure-without-hysteresis',
    why: 'accepting and refusing do not alternate',
    at: 'orders-api/back-pressure/pressure.ts overdueMs',
    put: 'oldestMs',
    caughtBy: test(core, 'half as bad'),
  },
  {
    name: 'pool-without-room',
    why: 'nobody waits in a line that is too long',
    at: 'orders-api/back-pressure/pressure.ts isCrowded',
    put: 'false',
    caughtBy: test(core, 'half as bad'),
  },
  {
    name: 'no-replay-under-pressure',
    why: 'what was accepted before gets its answer again',
    at: 'idempotency/transaction.ts replayOrRefuse',
    find: '$request.key === undefined',
    put: 'true',
    caughtBy: test(pressure, 'gives an order or a refund that was accepted its answer again'),
  },
]
