/**
 * All that a process may import of the engine: transactional outbox with its relay, inbox with its consumer.
 * What talks to RabbitMQ is loaded by the two that run, so that whoever only appends events does without.
 */
export { RowLocks } from './deferral/row-locks.ts'
export { type Delivered, utcTime } from './inbox/decode.ts'
export type { Outcome } from './inbox/types.ts'
export { appendEvents } from './outbox/append.ts'
export { relayWaker } from './outbox/wake-up.ts'
export { consumerVariables, relayVariables } from './variables.ts'

import { flushCompileCache } from 'node:module'
import type { runConsumer as RunConsumer } from './consumer.ts'
import type { runRelay as RunRelay } from './relay.ts'

export const runRelay: typeof RunRelay = async (options) =>
  (await compiled(import('./relay.ts'))).runRelay(options)

export const runConsumer: typeof RunConsumer = async (options) =>
  (await compiled(import('./consumer.ts'))).runConsumer(options)

/** Written down before a kill can come, so that the next start need not compile it. */
async function compiled<Module>(loading: Promise<Module>): Promise<Module> {
  const module = await loading
  flushCompileCache()
  return module
}
