import { conformance, type Mutant, test } from './mutant.ts'

/** A message that crashes its consumer. */
export const quarantineMutants: readonly Mutant[] = [
  {
    name: 'starts-not-counted',
    why: 'a message that kills its consumer is told from its neighbours',
    at: 'messaging/inbox/quarantine.ts countingStarts',
    find: 'recordStarts(...$$args)',
    put: 'undefined',
    caughtBy: test(
      'messaging/inbox/quarantine.integration.test.ts',
      'dead letter after three starts',
    ),
  },
  {
    name: 'starts-counted-unanswered',
    why: 'a start is counted only on a connection that answers: who waits for the database is no killer',
    at: 'messaging/inbox/rows.ts recordStarts',
    find: '$db.transaction()',
    put: '$db.connection()',
    caughtBy: test(
      'messaging/inbox/rows.integration.test.ts',
      'on a connection whose answers no longer arrive',
    ),
  },
  {
    name: 'starts-not-reverted',
    why: 'a message that only waited for the database is not taken for one that kills its consumer',
    at: 'messaging/inbox/quarantine.ts countingStarts.revert',
    put: 'Promise.resolve()',
    caughtBy: test(
      `${conformance}/redeliveries.integration.test.ts`,
      'told to stop while it waits for the database',
    ),
  },
  {
    name: 'starts-outlive-an-outage',
    why: 'a consumer that dies in an outage of the database was not killed by a message',
    at: 'messaging/inbox/quarantine.ts afterOutage',
    find: 'revertAllStarts($db)',
    put: 'Promise.resolve()',
    caughtBy: test(
      `${conformance}/redeliveries.integration.test.ts`,
      'the deaths of its consumers beside an outage',
    ),
  },
  {
    name: 'crashed-without-quiet-period',
    why: 'a death loses no relay notification of what was handled just before it',
    at: 'messaging/inbox/quarantine.ts handleQuarantined',
    find: '$lastMs = performance.now()',
    put: 'undefined',
    caughtBy: test(
      `${conformance}/redeliveries.integration.test.ts`,
      'its last neighbour has been told',
    ),
  },
  {
    name: 'crashed-waits-without-end',
    why: 'an order is not kept waiting by others that come back again and again',
    at: 'messaging/inbox/quarantine-policy.ts nextOf',
    find: 'hasWaited(event, maxWaitMs)',
    put: 'false',
    caughtBy: test(
      `${conformance}/redeliveries.integration.test.ts`,
      'after its neighbours, but not after all',
    ),
  },
]
