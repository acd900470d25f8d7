import { type Mutant, test } from './mutant.ts'

const matrix = 'tests/who-may-do-what.e2e.ts'
const verifier = 'principal/verifier.test.ts'

/** Who may do what. */
export const principalMutants: readonly Mutant[] = [
  {
    name: 'order-of-anybody',
    why: 'the order of another user does not exist',
    at: 'orders-api/rows.ts findOrder',
    find: 'ownedBy($principal)',
    put: 'sql<boolean>`true`',
    caughtBy: test(matrix, 'Alice gets nothing'),
  },
  {
    name: 'audience-skipped',
    why: 'a token for another service of the same issuer is none for this one',
    at: 'principal/verifier.ts createVerifier.claims',
    put: '({ issuer } as never)',
    caughtBy: test(verifier, 'refuses as invalid'),
  },
  {
    name: 'any-algorithm',
    why: 'who signs does not choose how a signature is verified',
    at: 'principal/verifier.ts verifyWith.options.algorithms',
    put: 'undefined as never',
    caughtBy: test(verifier, 'refuses as invalid'),
  },
  {
    name: 'verified-after-doing',
    why: 'a call that is refused has had no effect',
    at: 'principal/authenticated.ts authenticatedBy',
    find: 'await verify($read, $scope)',
    put: "(await import('./principal.ts')).Principal.unrestricted",
    also: [
      {
        at: 'principal/authenticated.ts authenticatedBy',
        find: 'await handle($principal, $ctx)',
        put: 'await handle($principal, $ctx).then(() => verify(() => bearerToken($ctx.req), scope))',
      },
    ],
    caughtBy: test(matrix, 'no call does anything'),
  },
  {
    name: 'pushed-to-anybody',
    why: 'who subscribes to an order of another user is pushed nothing while the order is looked up',
    at: 'orders-api/push/subscriptions.ts Subscriptions.#deliverTo',
    find: '!this.#maySee($subscriber, $userId)',
    put: 'false',
    caughtBy: test(
      'orders-api/push/subscriptions.test.ts',
      'delivers no order of a user to who may not see it',
    ),
  },
  {
    name: 'expired-but-connected',
    why: 'a connection lasts no longer than its token',
    at: 'orders-api/push/connection.ts serveConnection',
    find: '$writer.disconnect($reason, tokenExpiredCode)',
    put: 'undefined',
    caughtBy: test(matrix, 'closes when it expires'),
  },
  {
    name: 'keys-forgotten-while-away',
    why: 'an outage of the server of the issuer stops nobody whose key is known',
    at: 'principal/remote-keys.ts RemoteKeys.constructor.ages.cacheMaxAge',
    put: '1',
    caughtBy: test(verifier, 'stay known while they cannot be read'),
  },
  {
    name: 'insecure-by-accident',
    why: 'in production nobody is without authentication unawares',
    at: 'principal/secure-start.ts insecuritiesOf',
    find: 'isOff && isProduction',
    put: 'false',
    caughtBy: test('principal/secure-start.test.ts', 'is refused in one line'),
  },
]
