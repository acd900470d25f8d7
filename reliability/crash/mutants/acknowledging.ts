import { conformance, type Mutant, test } from './mutant.ts'

/** What is acknowledged, and when. */
export const acknowledgingMutants: readonly Mutant[] = [
  {
    name: 'shared-message-done-too-early',
    why: 'a message is acknowledged when each of its events is',
    at: 'messaging/broker/shared-delivery.ts jointAnswer',
    find: '--open === 0',
    put: 'open-- === events',
    caughtBy: test('messaging/broker/shared-delivery.test.ts', 'when the last of them'),
  },
  {
    name: 'shared-message-not-requeued',
    why: 'an event that was given back comes again, though its neighbours are done',
    at: 'messaging/broker/shared-delivery.ts jointAnswer',
    find: "$given === 'requeue'",
    put: 'false',
    caughtBy: test(`${conformance}/shared-messages.integration.test.ts`, 'in the midst of it'),
  },
  {
    name: 'ack-before-commit',
    why: 'what is not done is not acknowledged',
    at: 'messaging/inbox/process-batch.ts processBatch',
    find: 'const handle = $handling',
    put: `for (const { delivery } of messages) delivery.ack()
  const handle = $handling`,
    caughtBy: { scenario: 'payments-consumer dies before it commits' },
  },
  {
    name: 'ack-beyond-what-is-open',
    why: 'one acknowledgement for many never covers a message that is still in work',
    at: 'messaging/broker/ack-batcher.ts answersTo',
    find: '$isBehindOpen = true',
    put: 'undefined',
    caughtBy: test('messaging/broker/ack-batcher.test.ts', 'lets nobody wait'),
  },
  {
    name: 'acks-not-waited-for',
    why: 'a channel that is closed forgets acknowledgements that its queue has not taken yet',
    at: 'messaging/broker/consumer.ts finishAcknowledging',
    find: 'await $acks.drained()',
    put: 'await $acks.drained(); return',
    caughtBy: test(
      'messaging/broker/consumer.integration.test.ts',
      'gets back what was not acknowledged, and nothing else',
    ),
  },
  {
    name: 'ack-before-dead-letter',
    why: 'a message is acknowledged when its dead letter is confirmed',
    at: 'messaging/inbox/dead-letter.ts writeDeadLetter',
    find: 'const letter = $letter',
    put: `delivery.ack()
  await pause(1_000, signal)
  const letter = $letter`,
    caughtBy: { scenario: 'payments-consumer dies before its dead letter' },
  },
]
