/**
 * The public API of the engine: transactional outbox with its relay, inbox with its consumer. A
 * service imports nothing else of this folder. `runRelay` and `runConsumer` load the code for
 * RabbitMQ when they are called, so that a process which only appends events never loads it.
 */
export { connectDatabase } from '#chassis/database/connect.ts'
export { RowLocks } from './deferral/row-locks.ts'
export { type Delivered, utcTime } from './inbox/decode.ts'
export type { Decoded, HandlerResult } from './inbox/types.ts'
export { Loop, type LoopWatchers, watchedLoop } from './loop.ts'
export { listen } from './notifications/listener.ts'
export { maxPayloadBytes, notify } from './notifications/notify.ts'
export type { Observer } from './observer.ts'
export { appendEvents, type Event } from './outbox/append.ts'
export { createRelayNotifier } from './outbox/relay-notification.ts'
export type { ExpiringTable } from './retention/expiring-tables.ts'
export type { SignatureOptions } from './signatures/policy.ts'
export { parseSigningKeys, type SigningKey } from './signatures/signing-keys.ts'
export type { MessagingDatabase } from './tables.ts'
export type { DeliveredEvents, EventOutcome, EventTracing, SentEvents } from './tracing.ts'
export { consumerVariables, relayVariables, signatureVariables } from './variables.ts'

import { flushCompileCache } from 'node:module'
import type { runConsumer as RunConsumer } from './consumer.ts'
import type { runRelay as RunRelay } from './relay.ts'

export type { ConsumerOptions } from './consumer.ts'
export type { RelayOptions } from './relay.ts'

/** Publishes what the outbox holds, until told to stop: see `RelayOptions`. */
export const runRelay: typeof RunRelay = async (options) =>
  (await compiled(import('./relay.ts'))).runRelay(options)

/** Consumes a queue through the inbox, until told to stop: see `ConsumerOptions`. */
export const runConsumer: typeof RunConsumer = async (options) =>
  (await compiled(import('./consumer.ts'))).runConsumer(options)

/** Stores the compile cache now: a killed process does not store it at its end. */
async function compiled<Module>(loading: Promise<Module>): Promise<Module> {
  const module = await loading
  flushCompileCache()
  return module
}
