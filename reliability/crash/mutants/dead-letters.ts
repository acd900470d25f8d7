import { conformance, type Mutant, test } from './mutant.ts'

/** What a dead letter keeps. */
export const deadLettersMutants: readonly Mutant[] = [
  {
    name: 'dead-letter-stays-in-inbox',
    why: 'a dead letter that is sent again is no duplicate',
    at: 'messaging/inbox/transaction.ts deleteUnhandled.isUnhandled',
    find: "$kind === 'dead-letter'",
    put: 'false',
    caughtBy: test(`${conformance}/dead-letters.integration.test.ts`, 'can be sent again'),
  },
  {
    name: 'letter-with-copies',
    why: 'a dead letter does not come back to where it could not be handled',
    at: 'messaging/inbox/dead-letter-message.ts deadLetterMessage.headers',
    find: 'withoutRoutingCopies($headers)',
    put: '$headers',
    caughtBy: test(`${conformance}/odd-messages.integration.test.ts`, 'asked for copies'),
  },
  {
    name: 'letter-without-properties',
    why: 'a dead letter says all that its sender wrote',
    at: 'messaging/inbox/dead-letter-message.ts deadLetterMessage.properties',
    find: '$isAsItCame ? $properties : $others',
    put: '$others',
    caughtBy: test(
      'operator/dead-letters/redriven.integration.test.ts',
      'that is dead-lettered again',
    ),
  },
  {
    name: 'origin-forgotten',
    why: 'a dead letter says where it came from at first, however often it was sent again',
    at: 'messaging/inbox/dead-letter-message.ts originOf',
    find: 'originIn($headers)',
    put: 'undefined',
    caughtBy: test(
      'operator/dead-letters/redriven.integration.test.ts',
      'that is dead-lettered again',
    ),
  },
]
