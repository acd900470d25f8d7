import { conformance, type Mutant, test } from './mutant.ts'

/** An event on its way out, and the queues. */
export const outboxMutants: readonly Mutant[] = [
  {
    name: 'mark-before-publish',
    why: 'a relay that dies before it has published has forgotten what it owes',
    at: 'messaging/outbox/relay.ts relayOnce',
    find: 'claimEvents($trx, $relay.batchSize)',
    put: `$relay.db.transaction().execute(async (early) => {
      const claimed = await claimEvents(early, $relay.batchSize)
      if (claimed.length > 0) await markPublished(early, claimed.map((event) => event.event_id))
      return claimed
    })`,
    caughtBy: { scenario: 'relay dies before it publishes' },
  },
  {
    name: 'ignored-returns',
    why: 'the broker confirms what no queue takes',
    at: 'messaging/broker/confirm-tracker.ts optionsOf.mandatory',
    put: 'false',
    caughtBy: { scenario: 'queues unbound' },
  },
  {
    name: 'failed-counts-as-published',
    why: 'only what was confirmed and routed is published',
    at: 'messaging/outbox/relay.ts relayOnce',
    find: 'await publish($relay, $events)',
    put: '({ ...(await publish($relay, $events)), confirmed: $events.map((event) => event.event_id) })',
    caughtBy: { scenario: 'queues unbound' },
  },
  {
    name: 'unconfirmed-counts-as-published',
    why: 'a deadline that passes is no confirm',
    at: 'messaging/broker/confirm-tracker.ts ConfirmTracker.publishAll.finish',
    find: '$outcomes.unconfirmed',
    put: '$outcomes.confirmed',
    caughtBy: test(`${conformance}/failed-events.integration.test.ts`, 'when the deadline passes'),
  },
  {
    name: 'refused-counts-as-published',
    why: 'a negative confirm, or a channel that closes, is no confirm',
    at: 'messaging/broker/confirm-tracker.ts ConfirmTracker.#publish',
    find: 'this.#isClosed ? this.#whenClosed : $error',
    put: "'confirmed'",
    caughtBy: test(
      `${conformance}/failed-events.integration.test.ts`,
      'when the broker refuses it',
    ),
  },
  {
    name: 'unknown-counts-as-failed',
    why: 'a connection that breaks puts no event off',
    at: 'messaging/outbox/relay.ts publish',
    find: '[...$unroutable, ...$published.failed]',
    put: "[...$unroutable, ...$published.failed, ...$published.unknown.map((id) => ({ id, error: 'lost' }))]",
    caughtBy: test(`${conformance}/relay-outages.integration.test.ts`, 'nine breaks'),
  },
  {
    name: 'no-isolation',
    why: 'an event for which the broker closes the channel holds up no other',
    at: 'messaging/broker/isolation.ts Isolation.publishAll',
    find: '$outcomes.suspected',
    put: '[]',
    caughtBy: test(`${conformance}/failed-events.integration.test.ts`, 'closes the channel'),
  },
  {
    name: 'claim-without-lock',
    why: 'relays side by side never take the same row',
    at: 'messaging/outbox/rows.ts claimEvents',
    sql: 'FOR UPDATE SKIP LOCKED',
    put: '',
    caughtBy: test(`${conformance}/claims.integration.test.ts`, 'never takes the same'),
  },
  {
    name: 'claim-waits-for-locks',
    why: 'a relay never waits for another one',
    at: 'messaging/outbox/rows.ts claimEvents',
    sql: 'FOR UPDATE SKIP LOCKED',
    put: 'FOR UPDATE',
    caughtBy: test(`${conformance}/claims.integration.test.ts`, 'is never waited for'),
  },
  {
    name: 'delivery-limit-20',
    why: 'a consumer that crashes makes no dead letters of bystanders',
    at: 'messaging/broker/topology.ts deliveryLimit',
    put: '20',
    caughtBy: { scenario: 'payments-consumer dies 25 times' },
  },
  {
    name: 'dead-letters-at-most-once',
    why: 'what the broker itself sets aside waits for its queue',
    at: 'messaging/broker/topology.ts queueConfigs.x-dead-letter-strategy',
    put: "'at-most-once'",
    caughtBy: test('messaging/broker/topology.test.ts', 'loses no dead letter'),
  },
  {
    name: 'unmet-precondition-ignored',
    why: 'nobody works for the database, or in the virtual host, of somebody else',
    at: 'messaging/engine.ts preconditions.stopUnless',
    find: '$condition.catch($stop)',
    put: '$condition.catch(() => {})',
    caughtBy: test(`${conformance}/public-api.integration.test.ts`, 'works no more'),
  },
  {
    name: 'claims-while-blocked',
    why: 'a relay holds no transaction open for a broker that takes nothing',
    at: 'messaging/broker/publisher.ts Publisher.isReady',
    find: 'this.#blocked === undefined',
    put: 'true',
    caughtBy: {
      ...test(
        `${conformance}/relay-outages.integration.test.ts`,
        'while the broker is blocked by an alarm',
      ),
      hasOwnServers: true,
    },
  },
  {
    name: 'relay-notifications-unproven',
    why: 'a relay that receives no notifications says so',
    at: 'messaging/outbox/relay.ts poll',
    find: 'hasDueEventsProbing($db, $probe)',
    put: 'hasDueEvents($db)',
    caughtBy: test(`${conformance}/relay-outages.integration.test.ts`, 'notifications are dropped'),
  },
  {
    name: 'broker-without-heartbeat',
    why: 'a half-open connection to the broker is noticed within 15 s',
    at: 'messaging/broker/address.ts heartbeatSeconds',
    put: '60',
    caughtBy: test('messaging/broker/publisher.integration.test.ts', 'given up within 15 s'),
  },
  {
    name: 'letter-not-cut',
    why: 'there is no message that cannot be set aside',
    at: 'messaging/broker/short-string.ts republishable.short',
    find: 'shortString($value)',
    put: '$value',
    caughtBy: test(`${conformance}/odd-messages.integration.test.ts`, 'bytes that are no text'),
  },
  {
    name: 'shared-virtual-host',
    why: 'two installations on one virtual host decide each other’s orders, for good',
    at: 'messaging/broker/topology.ts declareTopology',
    find: '$declaring.installationId = $id',
    put: '$id',
    caughtBy: test(
      'messaging/broker/installation.integration.test.ts',
      'belongs to the installation that comes first',
    ),
  },
]
