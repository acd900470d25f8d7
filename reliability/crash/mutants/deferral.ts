import { type Mutant, test } from './mutant.ts'

/** Events that wait for a locked row. */
export const deferralMutants: readonly Mutant[] = [
  {
    name: 'locked-rows-forgotten',
    why: 'a lock is waited for once, not by each batch',
    at: 'messaging/deferral/row-locks.ts RowLocks.lockOrSkip',
    find: 'this.#locked.add($key)',
    put: 'undefined',
    caughtBy: test(
      'messaging/deferral/deferral.integration.test.ts',
      'is waited for by nobody again',
    ),
  },
  {
    name: 'nothing-deferred',
    why: 'who needs a locked account fills neither the hands of the consumer nor the time of others',
    at: 'messaging/inbox/transaction.ts deferLocked',
    put: '{}',
    caughtBy: test(
      'messaging/deferral/deferral.integration.test.ts',
      'which is locked waits in the database',
    ),
  },
  {
    name: 'deferred-stays-in-inbox',
    why: 'what was deferred is no duplicate when it comes back',
    at: 'messaging/inbox/transaction.ts deleteUnhandled.isUnhandled',
    find: "$kind === 'deferred'",
    put: 'false',
    caughtBy: test(
      'messaging/deferral/deferral.integration.test.ts',
      'harms no neighbour, and is handled when it is free',
    ),
  },
  {
    name: 'deferred-forgotten-unconfirmed',
    why: 'what was deferred is kept until the broker has it',
    at: 'messaging/deferral/republish-deferred.ts republishOnce',
    find: 'await publish($deferral, [...$byId.values()])',
    put: '({ ...(await publish($deferral, [...$byId.values()])), confirmed: [...$byId.keys()] })',
    caughtBy: test(
      'messaging/deferral/deferral.integration.test.ts',
      'as long as the broker has not confirmed it',
    ),
  },
]
