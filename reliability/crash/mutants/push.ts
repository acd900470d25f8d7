import { type Mutant, test } from './mutant.ts'

/** What subscribers are told. */
export const pushMutants: readonly Mutant[] = [
  {
    name: 'read-before-subscribed',
    why: 'a read that began before a subscription does not end it',
    at: 'orders-api/push/subscription-set.ts SubscriptionSet.deliver.isNews',
    find: '$own.since <= $readAt',
    put: 'true',
    caughtBy: test(
      'orders-api/push/subscriptions.test.ts',
      'does not end the subscription of an order',
    ),
  },
  {
    name: 'version-not-compared',
    why: 'who follows a user is told each change of a refund',
    at: 'orders-api/push/user-subscription.ts UserSubscription.shouldPush',
    find: '$isSnapshot ? $version >= $delivered : $version > $delivered',
    put: 'false',
    caughtBy: test('orders-api/push/subscriptions.test.ts', 'each change of a refund'),
  },
  {
    name: 'no-snapshot',
    why: 'who comes late is told what has happened',
    at: 'orders-api/push/snapshots.ts orderSnapshot',
    find: 'push(...$$args)',
    put: 'undefined',
    caughtBy: { scenario: 'orders-api dies before it pushes' },
  },
  {
    name: 'no-backfill',
    why: 'what happened while nobody listened is pushed afterwards',
    at: 'orders-api/push/status-feed.ts StatusFeed.#listen.onListen',
    put: 'undefined',
    caughtBy: { scenario: 'LISTEN cut again and again' },
  },
  {
    name: 'no-polling-while-disconnected',
    why: 'while no connection can listen, what has happened is read every few seconds',
    at: 'orders-api/push/status-feed.ts StatusFeed.#listen.onDisconnected',
    put: 'undefined',
    caughtBy: test(
      'orders-api/push/status-feed.integration.test.ts',
      'while no connection can listen',
    ),
  },
  {
    name: 'subscription-lost-in-outage',
    why: 'what cannot be read when it is subscribed to is served later',
    at: 'orders-api/push/snapshot-queue.ts SnapshotQueue.#run',
    find: 'await pause($waitMs, $signal)',
    put: `await pause($waitMs, $signal)
        queue.snapshots.delete(name)`,
    caughtBy: test(
      'orders-api/push/status-feed.integration.test.ts',
      'keeps a subscription whose order cannot be read',
    ),
  },
  {
    name: 'stale-snapshot',
    why: 'what was read before a subscription is not the answer to it',
    at: 'orders-api/push/snapshot-queue.ts SnapshotQueue.#run.isWanted',
    find: '$queue.snapshots.get($name) === $snapshot',
    put: '$queue.snapshots.has($name)',
    caughtBy: test('orders-api/push/snapshot-queue.test.ts', 'replaced or ended meanwhile'),
  },
  {
    name: 'subscribed-since-it-was-read',
    why: 'what ended after a subscription that could not be read yet is news',
    at: 'orders-api/push/snapshots.ts userSnapshot.sinceMs',
    find: '$readAt.getTime() - $agoMs',
    put: '$readAt.getTime()',
    caughtBy: test(
      'orders-api/push/status-feed.integration.test.ts',
      'after a subscription and before it could be read',
    ),
  },
  {
    name: 'never-disconnected',
    why: 'a connection on which nothing can be pushed is closed',
    at: 'orders-api/push/status-feed.ts StatusFeed.#disconnectAfter',
    put: '{}',
    caughtBy: test(
      'orders-api/push/status-feed.integration.test.ts',
      'nothing could be read for long',
    ),
  },
  {
    name: 'snapshot-in-one-piece',
    why: 'whoever has 70,000 pending orders can connect',
    at: 'orders-api/push/snapshots.ts pageSize',
    put: '100_000',
    caughtBy: test('orders-api/push/web-socket.integration.test.ts', '70,000 pending'),
  },
  {
    name: 'no-pace',
    why: 'a client that sends as fast as it can is slowed down',
    at: 'orders-api/push/request-line.ts RequestLine.#until',
    put: '{}',
    caughtBy: test(
      'orders-api/push/web-socket.integration.test.ts',
      'answers all that a client asks faster than its pace',
    ),
  },
  {
    name: 'flood-not-closed',
    why: 'a client that sends far more than it may is disconnected',
    at: 'orders-api/push/pace.ts Pace.take',
    find: '$waitMs > this.#maxWaitMs',
    put: 'false',
    caughtBy: test('orders-api/push/pace.test.ts', 'no more than may wait'),
  },
  {
    name: 'connections-not-counted',
    why: 'an address has so many connections and no more',
    at: 'orders-api/push/admission.ts admission',
    find: 'counts.add(...$$args)',
    put: 'undefined',
    caughtBy: test(
      'orders-api/push/web-socket.integration.test.ts',
      'of an address beyond its limit',
    ),
  },
  {
    name: 'connections-never-leave',
    why: 'a connection that has closed makes room for another one',
    at: 'orders-api/push/admission.ts admission',
    find: 'counts.remove(...$$args)',
    put: 'undefined',
    caughtBy: test(
      'orders-api/push/web-socket.integration.test.ts',
      'lets in one for each that leaves',
    ),
  },
  {
    name: 'snapshots-take-the-pool',
    why: 'many who subscribe at once leave connections to others',
    at: 'orders-api/push/status-feed.ts snapshotReads',
    put: '1_000_000',
    caughtBy: test(
      'orders-api/push/status-feed.integration.test.ts',
      'leaves connections to others while many subscribe at once',
    ),
  },
]
