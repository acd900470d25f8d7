import type { ScenarioName } from './scenarios.ts'

/** A passage of a file, rewritten. */
export interface Edit {
  file: string
  /** Is in the file exactly once. */
  text: string
  replacement: string
}

/** One protection switched off, and what must turn red then. */
export interface Mutant extends Edit {
  name: string
  /** Where one protection stands behind another, both are switched off. */
  also?: Edit
  /** What it protects from. */
  why: string
  /** Real processes under faults, or the tests whose titles have these words. */
  caughtBy: { scenario: ScenarioName } | CaughtByTest
}

export interface CaughtByTest {
  test: string
  titled: string
  /**
   * It does something to its broker that only who has started it may do, and is skipped otherwise.
   */
  hasOwnServers?: true
}

/** Throws unless the text is there exactly once: a mutant must not miss its mark in silence. */
export function replaceOnce(source: string, { file, text, replacement }: Edit): string {
  const parts = source.split(text)
  if (parts.length === 2) return parts.join(replacement)
  throw new Error(`${file} has ${parts.length - 1} times, not once: ${text}`)
}

export const editsOf = ({ file, text, replacement, also }: Mutant): Edit[] => [
  { file, text, replacement },
  ...(also ? [also] : []),
]

const database = 'chassis/database'
const inbox = 'messaging/inbox'
const deferral = 'messaging/deferral'
const notifications = 'messaging/notifications'
const outbox = 'messaging/outbox'
const conformance = 'messaging/conformance'
const charging = 'payments-consumer'
const settling = 'orders-consumer'

export const mutants: readonly Mutant[] = [
  {
    name: 'mark-before-publish',
    file: `${outbox}/relay.ts`,
    text: '    const events = await claimEvents(trx, relay.batchSize)\n',
    replacement: `    const events = await relay.db.transaction().execute(async (early) => {
      const claimed = await claimEvents(early, relay.batchSize)
      if (claimed.length > 0) await markPublished(early, claimed.map((event) => event.event_id))
      return claimed
    })\n`,
    why: 'a relay that dies before it has published has forgotten what it owes',
    caughtBy: { scenario: 'relay dies before it publishes' },
  },
  {
    name: 'ignored-returns',
    file: 'messaging/broker/confirm-tracker.ts',
    text: 'mandatory: true',
    replacement: 'mandatory: false',
    why: 'the broker confirms what no queue takes',
    caughtBy: { scenario: 'queues unbound' },
  },
  {
    name: 'failed-counts-as-published',
    file: `${outbox}/relay.ts`,
    text: 'if (confirmed.length > 0) await markPublished(trx, confirmed)',
    replacement: 'await markPublished(trx, events.map((event) => event.event_id))',
    why: 'only what was confirmed and routed is published',
    caughtBy: { scenario: 'queues unbound' },
  },
  {
    name: 'unconfirmed-counts-as-published',
    file: 'messaging/broker/confirm-tracker.ts',
    text: 'outcomes.unconfirmed.push(...open)',
    replacement: 'outcomes.confirmed.push(...open)',
    why: 'a deadline that passes is no confirm',
    caughtBy: {
      test: `${conformance}/failed-events.integration.test.ts`,
      titled: 'when the deadline passes',
    },
  },
  {
    name: 'refused-counts-as-published',
    file: 'messaging/broker/confirm-tracker.ts',
    text: 'if (error) record(ids, this.#isClosed ? this.#whenClosed : { error: error.message })',
    replacement: "if (error) record(ids, 'confirmed')",
    why: 'a negative confirm, or a channel that closes, is no confirm',
    caughtBy: {
      test: `${conformance}/failed-events.integration.test.ts`,
      titled: 'when the broker refuses it',
    },
  },
  {
    name: 'unknown-counts-as-failed',
    file: `${outbox}/relay.ts`,
    text: 'failed: [...unroutable, ...published.failed] }',
    replacement:
      "failed: [...unroutable, ...published.failed, ...published.unknown.map((id) => ({ id, error: 'lost' }))] }",
    why: 'a connection that breaks puts no event off',
    caughtBy: { test: `${conformance}/relay-outages.integration.test.ts`, titled: 'nine breaks' },
  },
  {
    name: 'no-isolation',
    file: 'messaging/broker/isolation.ts',
    text: 'for (const id of outcomes.suspected) this.#ids.add(id)',
    replacement: '',
    why: 'an event for which the broker closes the channel holds up no other',
    caughtBy: {
      test: `${conformance}/failed-events.integration.test.ts`,
      titled: 'closes the channel',
    },
  },
  {
    name: 'claim-without-lock',
    file: `${outbox}/rows.ts`,
    text: '    FOR UPDATE SKIP LOCKED\n',
    replacement: '',
    why: 'relays side by side never take the same row',
    caughtBy: { test: `${conformance}/claims.integration.test.ts`, titled: 'never takes the same' },
  },
  {
    name: 'claim-waits-for-locks',
    file: `${outbox}/rows.ts`,
    text: 'FOR UPDATE SKIP LOCKED',
    replacement: 'FOR UPDATE',
    why: 'a relay never waits for another one',
    caughtBy: { test: `${conformance}/claims.integration.test.ts`, titled: 'is never waited for' },
  },
  {
    name: 'no-inbox',
    file: `${inbox}/rows.ts`,
    text: '    ON CONFLICT (event_id) DO NOTHING\n    RETURNING event_id',
    replacement:
      '    ON CONFLICT (event_id) DO UPDATE SET received_at = now()\n    RETURNING event_id',
    why: 'a message that comes again has no second effect',
    caughtBy: {
      test: `${conformance}/batches.integration.test.ts`,
      titled: 'the same message have one',
    },
  },
  {
    name: 'charged-twice',
    file: `${inbox}/rows.ts`,
    text: '    ON CONFLICT (event_id) DO NOTHING\n    RETURNING event_id',
    replacement:
      '    ON CONFLICT (event_id) DO UPDATE SET received_at = now()\n    RETURNING event_id',
    also: {
      file: `${charging}/rows.ts`,
      text: "eb('order_id', '=', fn.any(val(orderIds)))",
      replacement: "eb('order_id', '=', fn.any(val([] as string[])))",
    },
    why: 'inbox, recorded decision and unique debit each keep an order from being charged twice: none of them is there',
    caughtBy: { scenario: 'payments-consumer dies before it acknowledges, no fence in the ledger' },
  },
  {
    name: 'split-inbox',
    file: `${inbox}/transaction.ts`,
    text: 'await deduplicate(trx, batch)',
    replacement: 'await deduplicate(context.db as never, batch)',
    why: 'effect and memory of an event are one transaction',
    caughtBy: { scenario: 'payments-consumer dies before it commits' },
  },
  {
    name: 'split-inbox-of-orders',
    file: `${inbox}/transaction.ts`,
    text: 'await deduplicate(trx, batch)',
    replacement: 'await deduplicate(context.db as never, batch)',
    why: 'the same in Orders',
    caughtBy: { scenario: 'orders-consumer dies before it commits' },
  },
  {
    name: 'ack-before-commit',
    file: `${inbox}/process-batch.ts`,
    text: '  const handle = () =>',
    replacement: '  for (const { delivery } of messages) delivery.ack()\n  const handle = () =>',
    why: 'what is not done is not acknowledged',
    caughtBy: { scenario: 'payments-consumer dies before it commits' },
  },
  {
    name: 'ack-beyond-what-is-open',
    file: 'messaging/broker/ack-batcher.ts',
    text: '    if (!answer) isBehindOpen = true\n',
    replacement: '',
    why: 'one acknowledgement for many never covers a message that is still in work',
    caughtBy: { test: 'messaging/broker/ack-batcher.test.ts', titled: 'lets nobody wait' },
  },
  {
    name: 'acks-not-waited-for',
    file: 'messaging/broker/consumer.ts',
    text: '  const message = wasEmpty ? false : await channel.get(queue)\n  if (message) channel.nack(message)\n  await channel.checkQueue(queue)\n',
    replacement: '',
    why: 'a channel that is closed forgets acknowledgements that its queue has not taken yet',
    caughtBy: {
      test: 'messaging/broker/consumer.integration.test.ts',
      titled: 'gets back what was not acknowledged, and nothing else',
    },
  },
  {
    name: 'letters-beyond-the-limit',
    file: 'operator/dead-letters/broker/queue-browser.ts',
    text: 'Math.min(left, count, prefetchSize)',
    replacement: 'Math.min(left, count)',
    why: 'the same for dead letters that an operator drops',
    caughtBy: {
      test: 'operator/dead-letters/dead-letters.integration.test.ts',
      titled: 'however many are asked for at a time',
    },
  },
  {
    name: 'ack-before-dead-letter',
    file: `${inbox}/dead-letter.ts`,
    text: '  const letter = { reason, error,',
    // The broker must have it: what is still unread when a process is killed may be lost with it.
    replacement:
      '  delivery.ack()\n  await pause(1_000, signal)\n  const letter = { reason, error,',
    why: 'a message is acknowledged when its dead letter is confirmed',
    caughtBy: { scenario: 'payments-consumer dies before its dead letter' },
  },
  {
    name: 'dead-letter-stays-in-inbox',
    file: `${inbox}/transaction.ts`,
    text: "kind === 'dead-letter' || kind === 'deferred'",
    replacement: "kind === 'deferred'",
    why: 'a dead letter that is sent again is no duplicate',
    caughtBy: {
      test: `${conformance}/dead-letters.integration.test.ts`,
      titled: 'can be sent again',
    },
  },
  {
    name: 'batch-not-split',
    file: `${inbox}/handle-events.ts`,
    text: 'if (events.length === 1 || isGivenUp)',
    replacement: 'if (events.length > 0)',
    why: 'one bad message harms no neighbour',
    caughtBy: { test: `${conformance}/retries.integration.test.ts`, titled: 'is split off' },
  },
  {
    name: 'slow-is-split',
    file: `${inbox}/handle-events.ts`,
    text: "slow: 'hold'",
    replacement: "slow: 'split'",
    why: 'a slow disk does not make hundreds of transactions of a batch, nor an attempt of an event',
    caughtBy: {
      test: `${conformance}/batches.integration.test.ts`,
      titled: 'as a whole when a statement took too long',
    },
  },
  {
    name: 'locked-rows-forgotten',
    file: `${deferral}/row-locks.ts`,
    text: 'if (locked.has(key)) this.#locked.add(key)',
    replacement: 'if (locked.has(key)) continue',
    why: 'a lock is waited for once, not by each batch',
    caughtBy: {
      test: `${deferral}/deferral.integration.test.ts`,
      titled: 'is waited for by nobody again',
    },
  },
  {
    name: 'nothing-deferred',
    file: `${inbox}/transaction.ts`,
    text: 'if (!rowLocks || !messageOf) return',
    replacement: 'if (rowLocks || !messageOf) return',
    why: 'who needs a locked account fills neither the hands of the consumer nor the time of others',
    caughtBy: {
      test: `${deferral}/deferral.integration.test.ts`,
      titled: 'which is locked waits in the database',
    },
  },
  {
    name: 'deferred-stays-in-inbox',
    file: `${inbox}/transaction.ts`,
    text: "kind === 'dead-letter' || kind === 'deferred'",
    replacement: "kind === 'dead-letter'",
    why: 'what was deferred is no duplicate when it comes back',
    caughtBy: {
      test: `${deferral}/deferral.integration.test.ts`,
      titled: 'harms no neighbour, and is handled when it is free',
    },
  },
  {
    name: 'deferred-forgotten-unconfirmed',
    file: `${deferral}/republish-deferred.ts`,
    text: 'confirmed.flatMap((id) =>',
    replacement: '[...byId.keys()].flatMap((id) =>',
    why: 'what was deferred is kept until the broker has it',
    caughtBy: {
      test: `${deferral}/deferral.integration.test.ts`,
      titled: 'as long as the broker has not confirmed it',
    },
  },
  {
    name: 'starts-not-counted',
    file: `${inbox}/quarantine.ts`,
    text: '    await recordStart(db, eventId, attempts)\n',
    replacement: '',
    why: 'a message that kills its consumer is told from its neighbours',
    caughtBy: {
      test: `${inbox}/quarantine.integration.test.ts`,
      titled: 'dead letter after three crashes',
    },
  },
  {
    name: 'starts-counted-unanswered',
    file: `${inbox}/rows.ts`,
    text: 'db.transaction().execute((trx) =>\n    sql`\n      INSERT INTO attempts',
    replacement: 'db.connection().execute((trx) =>\n    sql`\n      INSERT INTO attempts',
    why: 'a start is counted only on a connection that answers: who waits for the database is no killer',
    caughtBy: {
      test: `${inbox}/rows.integration.test.ts`,
      titled: 'on a connection whose answers no longer arrive',
    },
  },
  {
    name: 'starts-not-reverted',
    file: `${inbox}/quarantine.ts`,
    text: 'revertStart(db, eventId, attempts).catch(() => {})',
    replacement: 'Promise.resolve()',
    why: 'a message that only waited for the database is not taken for one that kills its consumer',
    caughtBy: {
      test: `${conformance}/redeliveries.integration.test.ts`,
      titled: 'told to stop while it waits for the database',
    },
  },
  {
    name: 'crashed-without-quiet-period',
    file: `${inbox}/quarantine.ts`,
    text: '      lastMs = performance.now()',
    replacement: '',
    why: 'a death loses no relay notification of what was handled just before it',
    caughtBy: {
      test: `${conformance}/redeliveries.integration.test.ts`,
      titled: 'its last neighbour has been told',
    },
  },
  {
    name: 'crashed-waits-without-end',
    file: `${inbox}/quarantine-policy.ts`,
    text: 'hasCrashed(event.attempts) && hasWaited(event, maxWaitMs)',
    replacement: 'false && hasWaited(event, maxWaitMs)',
    why: 'an order is not kept waiting by others that come back again and again',
    caughtBy: {
      test: `${conformance}/redeliveries.integration.test.ts`,
      titled: 'after its neighbours, but not after all',
    },
  },
  {
    name: 'delivery-limit-20',
    file: 'messaging/broker/topology.ts',
    text: 'const deliveryLimit = 1_000',
    replacement: 'const deliveryLimit = 20',
    why: 'a consumer that crashes makes no dead letters of bystanders',
    caughtBy: { scenario: 'payments-consumer dies 25 times' },
  },
  {
    name: 'keys-not-sorted',
    file: `${inbox}/rows.ts`,
    text: 'const sorted = events.toSorted((a, b) => (a.id < b.id ? -1 : 1))',
    replacement: 'const sorted = events',
    why: 'batches of two consumers never deadlock',
    caughtBy: {
      test: `${conformance}/batches.integration.test.ts`,
      titled: 'in the order of their ids',
    },
  },
  {
    name: 'debit-without-fence',
    file: 'migrations/payments/0002-accounts-and-ledger.sql',
    text: '  CONSTRAINT ledger_one_decision_per_order UNIQUE (order_id, type),\n',
    replacement: '',
    why: 'an order is decided once, whatever the code believes',
    caughtBy: { test: 'migrations/tables.integration.test.ts', titled: 'decide an order once' },
  },
  {
    name: 'debits-not-found',
    file: `${charging}/rows.ts`,
    text: "eb('order_id', '=', fn.any(val(orderIds)))",
    replacement: "eb('order_id', '=', fn.any(val([] as string[])))",
    why: 'a decided order is answered with its decision',
    caughtBy: { scenario: 'everything, in peace' },
  },
  {
    name: 'no-repeat',
    file: `${charging}/charge-orders.ts`,
    text: "if (same) return { kind: 'repeat', debit: earlier }",
    replacement: "if (same) return { kind: 'dead-letter', reason: 'contradiction', error: '' }",
    why: 'a payment that is requested again gets the recorded outcome again',
    caughtBy: { scenario: 'replies wiped from the broker' },
  },
  {
    name: 'charge-contradiction-ignored',
    file: `${charging}/charge-orders.ts`,
    text: 'if (same) return {',
    replacement: 'if (same || !same) return {',
    why: 'another amount for a decided order is set aside',
    caughtBy: { scenario: 'everything, in peace' },
  },
  {
    name: 'balance-not-looked-at',
    file: `${charging}/charge-orders.ts`,
    text: "return balance < amountMinor ? 'INSUFFICIENT_FUNDS' : null",
    replacement: 'return null',
    why: 'nobody spends what is not there',
    caughtBy: { scenario: 'everything, in peace' },
  },
  {
    name: 'refund-again',
    file: `${charging}/refund-orders.ts`,
    text: '  if (earlier) return {',
    replacement: '  if (earlier && earlier.txId === "") return {',
    also: {
      file: 'migrations/payments/0002-accounts-and-ledger.sql',
      text: '  CONSTRAINT ledger_one_decision_per_order UNIQUE (order_id, type),\n',
      replacement: '',
    },
    why: 'an order is refunded once',
    caughtBy: {
      test: `${charging}/handle-batch.integration.test.ts`,
      titled: 'gives back once for 100',
    },
  },
  {
    name: 'refund-without-payment',
    file: `${charging}/refund-orders.ts`,
    text: "  if (!debit) return deadLetter('the order was not charged')\n  if (debit.",
    replacement: '  if (debit && debit.',
    why: 'what was not charged is not given back',
    caughtBy: {
      test: `${charging}/handle-batch.integration.test.ts`,
      titled: 'sets aside what was not charged',
    },
  },
  {
    name: 'refund-takes',
    file: 'contracts/ledger-types.ts',
    text: '  REFUND: {\n    sign: 1,',
    replacement: '  REFUND: {\n    sign: -1,',
    why: 'a refund gives, and does not take',
    caughtBy: {
      test: `${charging}/handle-batch.integration.test.ts`,
      titled: 'gives the money back',
    },
  },
  {
    name: 'refund-of-a-failed-payment',
    file: `${charging}/read-accounts.ts`,
    text: "      debits.filter(({ status }) => status === 'SUCCESS'),",
    replacement: '      debits,',
    why: 'a payment that was refused is not given back',
    caughtBy: {
      test: `${charging}/handle-batch.integration.test.ts`,
      titled: 'sets aside what was not charged',
    },
  },
  {
    name: 'late-reply-overwrites-refund',
    file: 'contracts/order-states.ts',
    text: "      PaymentSucceeded: 'repeat',\n      PaymentFailed: 'contradiction',\n      PaymentRefunded: 'REFUNDED',",
    replacement:
      "      PaymentSucceeded: 'PAID',\n      PaymentFailed: 'contradiction',\n      PaymentRefunded: 'REFUNDED',",
    why: 'a late payment reply changes nothing of a refund',
    caughtBy: { test: `${settling}/settle-orders.test.ts`, titled: 'whatever comes late' },
  },
  {
    name: 'refund-without-lock',
    file: 'orders-api/rows.ts',
    text: '    .forNoKeyUpdate()\n',
    replacement: '',
    why: 'of many refunds of an order at the same time one is accepted',
    caughtBy: { test: 'tests/refund.e2e.ts', titled: 'is accepted once of many' },
  },
  {
    name: 'refund-without-event',
    file: 'orders-api/accept-refund.ts',
    text: '  await appendEvents(trx, [event])\n',
    replacement: '',
    why: 'a refund that is accepted is requested, in the same transaction',
    caughtBy: { test: 'tests/refund.e2e.ts', titled: 'gives the money back' },
  },
  {
    name: 'refund-not-told',
    file: 'orders-api/accept-refund.ts',
    text: '  await notify(trx, orderStatusChannel, statusPayloads([orderId], maxPayloadBytes))\n',
    replacement: '',
    why: 'who follows a user is told when a refund is accepted, on each replica',
    caughtBy: {
      test: 'orders-api/push/status-feed.integration.test.ts',
      titled: 'that a refund is accepted',
    },
  },
  {
    name: 'read-before-subscribed',
    file: 'orders-api/push/subscription-set.ts',
    text: 'own && own.since <= readAt && ',
    replacement: 'own && ',
    why: 'a read that began before a subscription does not end it',
    caughtBy: {
      test: 'orders-api/push/subscriptions.test.ts',
      titled: 'does not end the subscription of an order',
    },
  },
  {
    name: 'version-not-compared',
    file: 'orders-api/push/user-subscription.ts',
    text: 'return isSnapshot ? version >= delivered : version > delivered',
    replacement: 'return false',
    why: 'who follows a user is told each change of a refund',
    caughtBy: {
      test: 'orders-api/push/subscriptions.test.ts',
      titled: 'each change of a refund',
    },
  },
  {
    name: 'version-by-the-clock-alone',
    file: `${settling}/rows.ts`,
    text: "greatest(clock_timestamp(), updated_at + interval '1 millisecond')",
    replacement: 'clock_timestamp()',
    why: 'the later of two states of an order is known also when the clock was set back',
    caughtBy: {
      test: `${settling}/handle-batch.integration.test.ts`,
      titled: 'lets updated_at grow',
    },
  },
  {
    name: 'reconcile-reads-once',
    file: 'operator/reconcile/compare-buckets.ts',
    text: 'compareBooks(after, entries).filter((one) => stay.has(nameOf(one)))',
    replacement: 'compareBooks(before, entries)',
    why: 'an order that is refunded just now is no broken promise',
    caughtBy: {
      test: 'operator/reconcile/reconcile.integration.test.ts',
      titled: 'between its readings of Orders and of the ledger',
    },
  },
  {
    name: 'client-forgets-refunds',
    file: 'client/backfill.ts',
    text: '    for (const order of refunds.orders) news.set(order.order_id, order)\n',
    replacement: '',
    why: 'the refund of an old order that was missed is told afterwards',
    caughtBy: { test: 'client/backfill.test.ts', titled: 'tells each change that was missed' },
  },
  {
    name: 'charge-without-lock',
    file: `${charging}/rows.ts`,
    text: '    .forNoKeyUpdate()\n',
    replacement: '',
    why: 'a balance is spent once',
    caughtBy: {
      test: `${charging}/handle-batch.integration.test.ts`,
      titled: 'by the balance behind the lock',
    },
  },
  {
    name: 'top-up-without-lock',
    file: 'payments-api/rows.ts',
    text: '    .forNoKeyUpdate()\n',
    replacement: '',
    why: 'a top-up does not undo what moves meanwhile',
    caughtBy: {
      test: 'payments-api/trouble.integration.test.ts',
      titled: 'to the balance behind the lock',
    },
  },
  {
    name: 'key-in-another-transaction',
    file: 'idempotency/transaction.ts',
    text: 'await insertResponses(trx, stored)',
    replacement: 'await insertResponses(db as never, stored)',
    why: 'a response is stored only with its effect',
    caughtBy: { scenario: 'orders-api dies before it commits' },
  },
  {
    name: 'key-ignored',
    file: 'idempotency/transaction.ts',
    text: 'key === undefined ? undefined',
    replacement: 'key !== "" ? undefined',
    why: 'a call that is repeated is done once',
    caughtBy: { scenario: 'orders-api dies before it answers' },
  },
  {
    name: 'order-without-event',
    file: 'orders-api/insert-placed-orders.ts',
    text: '  await appendEvents(trx, events)\n',
    replacement: '  await appendEvents(arguments[2] as never, events)\n',
    also: {
      file: 'orders-api/accept-orders.ts',
      text: 'withIdempotencyKeys(db, requests, insertPlacedOrders)',
      replacement:
        'withIdempotencyKeys(db, requests, (trx, fresh) => insertPlacedOrders(trx, fresh, db))',
    },
    why: 'an order and its request are one transaction',
    caughtBy: { scenario: 'orders-api dies before it commits' },
  },
  {
    name: 'settle-contradiction-ignored',
    file: `${settling}/settle-orders.ts`,
    text: 'if (data.amount !== order.amount) {',
    replacement: 'if (data.amount === "") {',
    why: 'a reply about another amount is set aside',
    caughtBy: { scenario: 'everything, in peace' },
  },
  {
    name: 'settle-without-lock',
    file: `${settling}/rows.ts`,
    text: "    .orderBy('order_id')\n    .forNoKeyUpdate()\n",
    replacement: '',
    why: 'of two opposite outcomes the first wins, and the second is heard of',
    caughtBy: {
      test: `${settling}/handle-batch.integration.test.ts`,
      titled: 'by the status behind the lock',
    },
  },
  {
    name: 'final-status-overwritten',
    file: `${settling}/rows.ts`,
    text: ` AND orders.status IN (\${pending})\n  \`.execute(trx)`,
    replacement: '\n  `.execute(trx)',
    why: 'a final status never changes, whatever the code believes',
    caughtBy: {
      test: `${settling}/handle-batch.integration.test.ts`,
      titled: 'final status stays',
    },
  },
  {
    name: 'watchers-not-told',
    file: `${settling}/handle-batch.ts`,
    text: '    await notify(trx,',
    replacement: '    if (Date.now() < 0) await notify(trx,',
    why: 'who watches is told',
    caughtBy: { scenario: 'everything, in peace' },
  },
  {
    name: 'no-snapshot',
    file: 'orders-api/push/snapshots.ts',
    text: 'push(source, subscriber, rows)\n    if (rows',
    replacement: 'if (rows',
    why: 'who comes late is told what has happened',
    caughtBy: { scenario: 'orders-api dies before it tells' },
  },
  {
    name: 'no-backfill',
    file: 'orders-api/push/status-feed.ts',
    text: '      onListen: fillGap,\n',
    replacement: '',
    why: 'what happened while nobody listened is pushed afterwards',
    caughtBy: { scenario: 'LISTEN cut again and again' },
  },
  {
    name: 'times-as-they-come',
    file: `${settling}/handle-batch.ts`,
    text: 'chargedAt: utcTime(timeline?.charged_at)',
    replacement: 'chargedAt: timeline?.charged_at',
    why: 'what only informs never keeps an order from being settled',
    caughtBy: {
      test: `${settling}/handle-batch.integration.test.ts`,
      titled: 'whatever times the schema takes',
    },
  },
  {
    name: 'fraction-as-it-comes',
    file: `${inbox}/decode.ts`,
    text: "value.replace(belowMs, '')",
    replacement: 'value',
    why: 'no time is off by up to a second',
    caughtBy: {
      test: `${inbox}/decode.test.ts`,
      titled: 'takes the first three digits of a fraction',
    },
  },
  {
    name: 'no-polling-while-disconnected',
    file: 'orders-api/push/status-feed.ts',
    text: '      onDisconnected: fillGap,\n',
    replacement: '',
    why: 'while no connection can listen, what has happened is read every few seconds',
    caughtBy: {
      test: 'orders-api/push/status-feed.integration.test.ts',
      titled: 'while no connection can listen',
    },
  },
  {
    name: 'subscription-lost-in-outage',
    file: 'orders-api/push/snapshot-queue.ts',
    text: '        await pause(waitMs, signal)\n',
    replacement: '        await pause(waitMs, signal)\n        queue.snapshots.delete(name)\n',
    why: 'what cannot be read when it is subscribed to is served later',
    caughtBy: {
      test: 'orders-api/push/status-feed.integration.test.ts',
      titled: 'keeps a subscription whose order cannot be read',
    },
  },
  {
    name: 'stale-snapshot',
    file: 'orders-api/push/snapshot-queue.ts',
    text: 'queue.snapshots.get(name) === snapshot && !signal.aborted',
    replacement: 'queue.snapshots.has(name) && !signal.aborted',
    why: 'what was read before a subscription is not the answer to it',
    caughtBy: {
      test: 'orders-api/push/snapshot-queue.test.ts',
      titled: 'replaced or ended meanwhile',
    },
  },
  {
    name: 'subscribed-since-it-was-read',
    file: 'orders-api/push/snapshots.ts',
    text: '.getTime() - (performance.now() - subscribedAtMs)',
    replacement: '.getTime()',
    why: 'what ended after a subscription that could not be read yet is news',
    caughtBy: {
      test: 'orders-api/push/status-feed.integration.test.ts',
      titled: 'after a subscription and before it could be read',
    },
  },
  {
    name: 'never-disconnected',
    file: 'orders-api/push/status-feed.ts',
    text: 'if (failingMs <= (this',
    replacement: 'if (failingMs >= 0 || failingMs <= (this',
    why: 'a connection on which nothing can be pushed is closed',
    caughtBy: {
      test: 'orders-api/push/status-feed.integration.test.ts',
      titled: 'nothing could be read for long',
    },
  },
  {
    name: 'snapshot-in-one-piece',
    file: 'orders-api/push/snapshots.ts',
    text: 'const pageSize = 1_000',
    replacement: 'const pageSize = 100_000',
    why: 'whoever has 70,000 pending orders can connect',
    caughtBy: { test: 'orders-api/push/web-socket.integration.test.ts', titled: '70,000 pending' },
  },
  {
    name: 'requests-not-retried',
    file: `${settling}/payment-request-retry.ts`,
    text: 'if (retry.timeoutMs === 0) return',
    replacement: 'if (retry.timeoutMs !== -1) return',
    why: 'a broker that has lost its messages leaves no order behind',
    caughtBy: { scenario: 'requests wiped from the broker' },
  },
  {
    name: 'retry-in-two-transactions',
    file: `${settling}/payment-request-retry.ts`,
    text: `    await appendEvents(trx, events)
    return retries.map(({ orderId }) => orderId)
  })
`,
    replacement: `    return events
  }).then(async (events) => {
    await appendEvents(db as never, events)
    return events.map(({ subject }) => subject)
  })
`,
    why: 'an order that counts a retry has a request on its way',
    caughtBy: { scenario: 'orders-consumer dies while it retries requests' },
  },
  {
    name: 'retried-while-in-the-outbox',
    file: `${settling}/retry-policy.ts`,
    text: '!request.is_unpublished &&',
    replacement: '',
    why: 'a relay or a broker that is away does not fill the outbox',
    caughtBy: {
      test: `${settling}/payment-request-retry.integration.test.ts`,
      titled: 'still in the outbox',
    },
  },
  {
    name: 'retry-without-going-on',
    file: `${settling}/payment-request-retry.ts`,
    text: '      position = next\n',
    replacement: '      void next\n',
    why: 'a lost request is retried, however many others wait in the outbox before it',
    caughtBy: {
      test: `${settling}/payment-request-retry.integration.test.ts`,
      titled: 'behind thousands',
    },
  },
  {
    name: 'dead-letters-at-most-once',
    file: 'messaging/broker/topology.ts',
    text: "'x-dead-letter-strategy': 'at-least-once'",
    replacement: "'x-dead-letter-strategy': 'at-most-once'",
    why: 'what the broker itself sets aside waits for its queue',
    caughtBy: { test: 'messaging/broker/topology.test.ts', titled: 'loses no dead letter' },
  },
  {
    name: 'redriven-unconfirmed',
    file: 'operator/dead-letters/broker/confirmed-publisher.ts',
    text: '      await this.#confirmed()\n',
    replacement: '',
    why: 'a dead letter is taken off its queue only when the broker has its copy',
    caughtBy: {
      test: 'operator/dead-letters/dead-letters.integration.test.ts',
      titled: 'while an alarm of the broker is on',
      hasOwnServers: true,
    },
  },
  {
    name: 'numbers-are-floats',
    file: 'contracts/exact-json.ts',
    text: 'new JsonNumber(context?.source ?? String(part))',
    replacement: 'new JsonNumber(String(part))',
    why: 'an amount keeps each of its digits',
    caughtBy: { test: 'contracts/exact-json.test.ts', titled: 'keeps the digits of' },
  },
  {
    name: 'event-with-a-key-twice',
    file: 'contracts/exact-json.ts',
    text: '  countKeys(text) !== countProperties(value)',
    replacement: '  text === value',
    why: 'no money is taken for an event that says two amounts',
    caughtBy: { test: 'contracts/decode-event.test.ts', titled: 'sets aside an event that has ' },
  },
  {
    name: 'nan-is-money',
    file: 'migrations/both/0001-domains.sql',
    text: 'CHECK (VALUE > 0 AND VALUE <= 9999999999999999.99)',
    replacement: 'CHECK (VALUE > 0)',
    why: 'NaN is above every number, and infinity too',
    caughtBy: { test: 'migrations/tables.integration.test.ts', titled: 'refuse the amount' },
  },
  {
    name: 'unmet-demand-unheard',
    file: 'messaging/engine.ts',
    text: 'void condition.catch(stop)',
    replacement: 'void condition.catch(() => {})',
    why: 'nobody works for the database, or in the virtual host, of somebody else',
    caughtBy: { test: `${conformance}/public-api.integration.test.ts`, titled: 'works no more' },
  },
  {
    name: 'claims-while-blocked',
    file: 'messaging/broker/publisher.ts',
    text: 'return this.#tracker?.isClosed === false && this.#blocked === undefined',
    replacement: 'return this.#tracker?.isClosed === false',
    why: 'a relay holds no transaction open for a broker that takes nothing',
    caughtBy: {
      test: `${conformance}/relay-outages.integration.test.ts`,
      titled: 'while the broker is blocked by an alarm',
      hasOwnServers: true,
    },
  },
  {
    name: 'conflicts-are-failures',
    file: `${inbox}/handle-events.ts`,
    text: "conflict: 'restart'",
    replacement: "conflict: 'split'",
    why: 'a deadlock or a serialization failure begins anew, and is no failure of an event',
    caughtBy: {
      test: `${conformance}/retries.integration.test.ts`,
      titled: 'another transaction in the way',
    },
  },
  {
    name: 'full-queue-is-a-failure',
    file: `${database}/errors.ts`,
    text: "code === '54000' &&",
    replacement: "code === '00000' &&",
    why: 'a listener that sleeps elsewhere makes no dead letters',
    caughtBy: { test: `${database}/errors.integration.test.ts`, titled: 'notifications is full' },
  },
  {
    name: 'full-queue-stays-full',
    file: `${notifications}/listener.ts`,
    text: 'SELECT pg_notification_queue_usage() AS heartbeat',
    replacement: 'SELECT 1 AS heartbeat',
    why: 'a queue of notifications that was full is used again',
    caughtBy: { test: `${notifications}/listener.integration.test.ts`, titled: 'frees the queue' },
  },
  {
    name: 'listen-unproven',
    file: `${notifications}/listener.ts`,
    text: 'if (await probe.hasProved()) onAlive()',
    replacement: 'onAlive()',
    why: 'a session whose notifications are dropped is noticed',
    caughtBy: {
      test: `${notifications}/listener.integration.test.ts`,
      titled: 'notices that notifications are dropped',
    },
  },
  {
    name: 'relay-notifications-unproven',
    file: `${outbox}/relay.ts`,
    text: 'hasDueEventsProbing(db, { channel: probe.channel, payload: probe.next() })',
    replacement: 'hasDueEvents(db)',
    why: 'a relay that receives no notifications says so',
    caughtBy: {
      test: `${conformance}/relay-outages.integration.test.ts`,
      titled: 'notifications are dropped',
    },
  },
  {
    name: 'listen-without-heartbeat',
    file: `${notifications}/listener.ts`,
    text: 'Promise.all([db && sendProbe(db, probe), client.query(heartbeat)])',
    replacement: 'Promise.all([db && sendProbe(db, probe)])',
    why: 'a half-open LISTEN is noticed within 5 s',
    caughtBy: {
      test: `${notifications}/listener.integration.test.ts`,
      titled: 'hears again within 5 s',
    },
  },
  {
    name: 'lost-connection-rolled-back',
    file: `${database}/pool.ts`,
    text: 'if (lost) throw unreachable(lost)',
    replacement: 'lost ??= undefined',
    why: 'a half-open connection to a database costs one time-out',
    caughtBy: { test: `${database}/errors.integration.test.ts`, titled: 'after one time-out' },
  },
  {
    name: 'idle-connections-stay',
    file: `${database}/connect.ts`,
    text: 'const idleMs = 6_000',
    replacement: 'const idleMs = 10_000',
    why: 'a half-open way to a database costs one time-out, not one for each connection',
    caughtBy: { test: `${database}/errors.integration.test.ts`, titled: 'not once for each' },
  },
  {
    name: 'durability-not-asked',
    file: `${database}/durability.ts`,
    text: 'assertAllOn((await untilAvailable(() => settingsThatAreOff(db), signal, outage)) ?? [])',
    replacement: 'await untilAvailable(() => settingsThatAreOff(db), signal, outage)',
    why: 'nobody runs on a database that forgets what it has committed',
    caughtBy: {
      test: `${database}/durability.integration.test.ts`,
      titled: 'names the setting that is off',
    },
  },
  {
    name: 'outage-said-once',
    file: 'chassis/outage.ts',
    text: 'nowMs - this.#loggedAtMs >= everyMs',
    replacement: 'everyMs < 0',
    why: 'an outage does not fall silent',
    caughtBy: { test: 'chassis/outage.test.ts', titled: 'said again each period' },
  },
  {
    name: 'ready-while-held',
    file: `${inbox}/retry.ts`,
    text: '      outage.failed(error, work)\n',
    replacement: '',
    why: 'a process that holds messages which it cannot handle is not ready',
    caughtBy: {
      test: `${conformance}/database-errors.integration.test.ts`,
      titled: 'a table is missing',
    },
  },
  {
    name: 'missing-column-is-an-outage',
    file: `${database}/errors.ts`,
    text: '|^42P01$|',
    replacement: '|^42P01$|^42703$|',
    why: 'a fault of the program is no outage that messages wait out for ever',
    caughtBy: {
      test: `${conformance}/database-errors.integration.test.ts`,
      titled: 'the program is at fault',
    },
  },
  {
    name: 'broker-without-heartbeat',
    file: 'messaging/broker/address.ts',
    text: 'export const heartbeatSeconds = 4',
    replacement: 'export const heartbeatSeconds = 60',
    why: 'a half-open connection to the broker is noticed within 15 s',
    caughtBy: {
      test: 'messaging/broker/publisher.integration.test.ts',
      titled: 'given up within 15 s',
    },
  },
  {
    name: 'session-as-it-comes',
    file: `${database}/session.ts`,
    text: '      await this.query(this.#statement)\n',
    replacement: '',
    why: 'what a database was set to by others changes neither money nor times',
    caughtBy: {
      test: `${database}/session.integration.test.ts`,
      titled: 'whatever its database has set',
    },
  },
  {
    name: 'run-on-as-stored',
    file: 'migrations/migrate.ts',
    text: 'if (migrationsSchema !== undefined) await restoreOrder(session, migrationsSchema)',
    replacement: '',
    why: 'a change of time zone does not end all migrations for good',
    caughtBy: {
      test: 'migrations/migrate.integration.test.ts',
      titled: 'earlier files have run by local time',
    },
  },
  {
    name: 'swapped-databases',
    file: 'migrations/target.ts',
    text: 'if (!rowCount) return',
    replacement: 'if (rowCount !== null) return',
    why: 'no tables of one service are made in the database of the other',
    caughtBy: {
      test: 'migrations/migrate.integration.test.ts',
      titled: 'given the database of the other',
    },
  },
  {
    name: 'letter-with-copies',
    file: `${inbox}/dead-letter-message.ts`,
    text: 'asItCame && withoutRoutingCopies(delivery.headers)',
    replacement: 'asItCame && delivery.headers',
    why: 'a dead letter does not come back to where it could not be handled',
    caughtBy: {
      test: `${conformance}/odd-messages.integration.test.ts`,
      titled: 'asked for copies',
    },
  },
  {
    name: 'letter-not-cut',
    file: 'messaging/broker/short-string.ts',
    text: "typeof value === 'string' ? shortString(value) : value",
    replacement: 'value',
    why: 'there is no message that cannot be set aside',
    caughtBy: {
      test: `${conformance}/odd-messages.integration.test.ts`,
      titled: 'bytes that are no text',
    },
  },
  {
    name: 'letter-without-properties',
    file: `${inbox}/dead-letter-message.ts`,
    text: 'republishable(asItCame ? delivery.properties : { type, contentType })',
    replacement: 'republishable({ type, contentType })',
    why: 'a dead letter says all that its sender wrote',
    caughtBy: {
      test: 'operator/dead-letters/redriven.integration.test.ts',
      titled: 'that is dead-lettered again',
    },
  },
  {
    name: 'origin-forgotten',
    file: `${inbox}/dead-letter-message.ts`,
    text: '    ...(isSentAgain && originIn(headers)),\n',
    replacement: '',
    why: 'a dead letter says where it came from at first, however often it was sent again',
    caughtBy: {
      test: 'operator/dead-letters/redriven.integration.test.ts',
      titled: 'that is dead-lettered again',
    },
  },
  {
    name: 'client-without-overlap',
    file: 'client/backfill.ts',
    text: '6 * (5_000 + 10_000)',
    replacement: '0',
    why: 'an order may become visible later than one that began after it',
    caughtBy: {
      test: 'client/backfill.test.ts',
      titled: 'finds an order that began earlier',
    },
  },
  {
    name: 'client-asks-the-refused-again',
    file: 'client/follow.ts',
    text: 'onRefused: (userId, problem) => this.#refuse({ user_id: userId }, problem)',
    replacement: 'onRefused: () => this.#connection.reset()',
    why: 'one subscription that is refused takes no other along',
    caughtBy: {
      test: 'tests/client.e2e.ts',
      titled: 'ends alone the subscription of a user whose orders',
    },
  },
  {
    name: 'client-keeps-the-refused',
    file: 'client/follow.ts',
    text: '    this.#drop(target)\n    this.#subscribe()\n    this.#options.onProblem?.(problem, target)',
    replacement: '    this.#options.onProblem?.(problem, target)',
    why: 'what does not exist takes nobody a place',
    caughtBy: { test: 'tests/client.e2e.ts', titled: 'gives the places of orders' },
  },
  {
    name: 'client-live-and-blind',
    file: 'client/follow.ts',
    text: 'this.#connection.isOpen && this.#backfills.isDone',
    replacement: 'this.#connection.isOpen',
    why: 'who is told that it is live would not know that orders cannot be read',
    caughtBy: { test: 'tests/client.e2e.ts', titled: 'is live while it is connected and can read' },
  },
  {
    name: 'client-begins-anew',
    file: 'client/user-backfills.ts',
    text: 'page: this.#insisting(page, signal),',
    replacement: 'page,',
    why: 'who has many orders and a bad network is live at some time',
    caughtBy: {
      test: 'client/user-backfills.test.ts',
      titled: 'reads each page until it is there',
    },
  },
  {
    name: 'shared-virtual-host',
    file: 'messaging/broker/topology.ts',
    text: 'declaring.installationId = await idOf(options.installation)',
    replacement: 'await idOf(options.installation)',
    why: 'two installations on one virtual host decide each other’s orders, for good',
    caughtBy: {
      test: 'messaging/broker/installation.integration.test.ts',
      titled: 'belongs to the installation that comes first',
    },
  },
  {
    name: 'rights-are-never-taken-away',
    file: 'roles/database.ts',
    text: 'REVOKE ALL ON ALL TABLES IN',
    replacement: 'REVOKE TRIGGER ON ALL TABLES IN',
    why: 'what was granted once, to a role or to everybody, opens the ledger for good',
    caughtBy: {
      test: 'migrations/roles.integration.test.ts',
      titled: 'are right in ',
    },
  },
  {
    name: 'ownerless-virtual-host-is-used',
    file: 'messaging/broker/topology.ts',
    text: 'if (lacksDefaultExchange(error as Error)) throw explained(error as Error)',
    replacement: '',
    why: 'a relay that may not name the owner publishes to a virtual host that another one gets',
    caughtBy: {
      test: 'messaging/broker/installation.integration.test.ts',
      titled: 'that nobody owns yet has no relay',
    },
  },
  {
    name: 'users-are-gone-with-the-disk',
    file: 'local/servers/rabbitmq-settings.ts',
    text: '`load_definitions = $',
    replacement: `\`default_user = admin\\ndefault_pass = \${password}\\n# $`,
    why: 'a broker without its users lets no process in again',
    caughtBy: {
      test: 'local/servers/servers.integration.test.ts',
      titled: 'have their passwords and permissions again',
    },
  },
]
