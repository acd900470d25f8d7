import { conformance, type Mutant, test } from './mutant.ts'

/** Events that are signed. */
export const signaturesMutants: readonly Mutant[] = [
  {
    name: 'unsigned-believed',
    why: 'where events are signed, what is not signed has no effect',
    at: 'messaging/signatures/policy.ts verifierOf.onUnsigned',
    find: "$signatures === 'required'",
    put: 'false',
    caughtBy: test(`${conformance}/signatures.integration.test.ts`, 'is not even decoded'),
  },
  {
    name: 'event-decoded-before-it-is-verified',
    why: 'nothing is done with what may be from anybody',
    at: 'messaging/inbox/decode.ts decodeDelivery',
    find: 'verify?.($delivery) ?? decode($content, $headers)',
    put: '((decoded) => verify?.($delivery) ?? decoded)(decode($content, $headers))',
    caughtBy: test(`${conformance}/signatures.integration.test.ts`, 'is not even decoded'),
  },
  {
    name: 'any-signature',
    why: 'only who has the key can sign',
    at: 'messaging/signatures/signature.ts isEqual',
    put: '{ return true }',
    caughtBy: test(`${conformance}/signatures.integration.test.ts`, 'is not even decoded'),
  },
  {
    name: 'signed-for-anybody',
    why: 'what one service has signed is not taken for what the other one says',
    at: 'messaging/signatures/signature.ts macOf',
    find: '[eventContentType, $exchange]',
    put: '[eventContentType]',
    caughtBy: test('messaging/signatures/signature.test.ts', 'one exchange only'),
  },
  {
    name: 'letter-without-signature',
    why: 'a dead letter can be redriven, whatever of it could not be sent on',
    at: 'messaging/inbox/dead-letter-message.ts deadLetterMessage.headers',
    find: 'signatureOf($headers)',
    put: 'undefined',
    caughtBy: test(`${conformance}/signatures.integration.test.ts`, 'keeps the signature where'),
  },
  {
    name: 'deferred-without-signature',
    why: 'what waited in the database is believed when it comes back',
    at: 'messaging/deferral/deferred-message.ts ofRelays',
    find: 'signatureOf($headers)',
    put: 'undefined',
    caughtBy: test(
      'messaging/deferral/deferral.integration.test.ts',
      'no header that is too large',
    ),
  },
]
