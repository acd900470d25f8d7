import { type Mutant, test } from './mutant.ts'

/** The client, the operator, what is parsed. */
export const outsideMutants: readonly Mutant[] = [
  {
    name: 'letters-beyond-the-limit',
    why: 'the same for dead letters that an operator drops',
    at: 'operator/dead-letters/broker/queue-browser.ts QueueBrowser.browse.size',
    find: 'Math.min($left, $count, prefetchSize)',
    put: 'Math.min($left, $count)',
    caughtBy: test(
      'operator/dead-letters/dead-letters.integration.test.ts',
      'however many are asked for at a time',
    ),
  },
  {
    name: 'reconcile-reads-once',
    why: 'an order that is refunded just now is no broken promise',
    at: 'operator/reconcile/compare-buckets.ts compareAgain',
    find: 'const after = $reading',
    put: 'const after = before',
    caughtBy: test(
      'operator/reconcile/reconcile.integration.test.ts',
      'between its readings of Orders and of the ledger',
    ),
  },
  {
    name: 'client-forgets-refunds',
    why: 'the refund of an old order that was missed is told afterwards',
    at: 'client/backfill.ts backfill',
    find: '$refunds.orders',
    put: '[]',
    caughtBy: test('client/backfill.test.ts', 'tells each change that was missed'),
  },
  {
    name: 'redriven-unconfirmed',
    why: 'a dead letter is taken off its queue only when the broker has its copy',
    at: 'operator/dead-letters/broker/confirmed-publisher.ts ConfirmedPublisher.publishTo',
    find: 'this.#confirmed()',
    put: 'undefined',
    caughtBy: {
      ...test(
        'operator/dead-letters/dead-letters.integration.test.ts',
        'while an alarm of the broker is on',
      ),
      hasOwnServers: true,
    },
  },
  {
    name: 'move-forgets-where-it-was',
    why: 'a move that was interrupted is gone on with, not begun',
    at: 'operator/queues/move-queue.ts moveQueue.isMoving',
    put: 'isOther',
    caughtBy: test(
      'operator/queues/move-queue.integration.test.ts',
      'is moved with all its messages',
    ),
  },
  {
    name: 'move-unbound',
    why: 'while a queue is moved, what is published has a queue at each moment',
    at: 'operator/queues/move-queue.ts pour',
    find: 'bindQueue($channel, $to, $binding)',
    put: 'Promise.resolve()',
    caughtBy: test(
      'operator/queues/move-queue.integration.test.ts',
      'is moved with all its messages',
    ),
  },
  {
    name: 'move-beside-consumers',
    why: 'a consumer of the earlier release would bind and declare the queue as before',
    at: 'operator/queues/move-queue.ts refuseConsumers',
    put: '',
    caughtBy: test(
      'operator/queues/move-queue.integration.test.ts',
      'is not moved while a consumer runs',
    ),
  },
  {
    name: 'numbers-are-floats',
    why: 'an amount keeps each of its digits',
    at: 'contracts/exact-json.ts parseJson',
    find: '$context?.source ?? $digits',
    put: '$digits',
    caughtBy: test('contracts/exact-json.test.ts', 'keeps the digits of'),
  },
  {
    name: 'event-with-a-key-twice',
    why: 'no money is taken for an event that says two amounts',
    at: 'contracts/exact-json.ts hasKeyTwice',
    put: 'false',
    caughtBy: test('contracts/decode-event.test.ts', 'sets aside an event that has '),
  },
  {
    name: 'client-without-overlap',
    why: 'an order may become visible later than one that began after it',
    at: 'client/backfill.ts mostCommitDelayMs',
    put: '0',
    caughtBy: test('client/backfill.test.ts', 'finds an order that began earlier'),
  },
  {
    name: 'client-asks-the-refused-again',
    why: 'one subscription that is refused takes no other along',
    at: 'client/follow.ts Following.onRefused',
    put: 'this.#connection.reset()',
    caughtBy: test('tests/client.e2e.ts', 'ends alone the subscription of a user whose orders'),
  },
  {
    name: 'client-keeps-the-refused',
    why: 'what does not exist takes nobody a place',
    at: 'client/follow.ts Following.#refuse',
    find: 'this.#drop($target)',
    put: 'undefined',
    also: [
      { at: 'client/follow.ts Following.#refuse', find: 'this.#subscribe()', put: 'undefined' },
    ],
    caughtBy: test('tests/client.e2e.ts', 'gives the places of orders'),
  },
  {
    name: 'client-live-and-blind',
    why: 'who is told that it is live would not know that orders cannot be read',
    at: 'client/follow.ts Following.#confirm.isRead',
    find: 'this.#backfills.isDone',
    put: 'true',
    caughtBy: test('tests/client.e2e.ts', 'is live while it is connected and can read'),
  },
  {
    name: 'client-restarts',
    why: 'who has many orders and a bad network is live at some time',
    at: 'client/user-backfills.ts UserBackfills.#try.page',
    find: 'this.#insisting($page, $signal)',
    put: '$page',
    caughtBy: test('client/user-backfills.test.ts', 'reads each page until it is there'),
  },
]
