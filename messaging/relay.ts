import { connectDatabase } from '#chassis/database/connect.ts'
import { requireDurability } from '#chassis/database/durability.ts'
import type { Service } from '#chassis/lifecycle.ts'
import { Publisher } from './broker/publisher.ts'
import { ownInstallation } from './installation.ts'
import type { InstallationRow } from './installation-rows.ts'
import { type Relay, relayingOutage, runRelay as relayUntilStopped } from './outbox/relay.ts'
import { pingOutbox } from './outbox/rows.ts'
import { hearWakeUps } from './outbox/wake-up.ts'
import type { MessagingDatabase } from './tables.ts'

export interface RelayConfig {
  databaseUrl: string
  brokerUrl: string
  batchSize: number
  /** Claims side by side, once there is more than one batch. */
  concurrency: number
  /** Between two looks without being woken. */
  idleMs: number
  /** How long the broker may take to confirm a batch. */
  deadlineMs: number
}

export interface RelayOptions extends Service<RelayConfig>, Pick<Relay, 'routes'> {
  service: InstallationRow['service']
  exchanges: readonly string[]
}

/**
 * Publishes what the outbox of a service holds, until told to stop: opens database, broker and LISTEN, and
 * adds the checks of its health.
 */
export async function runRelay(options: RelayOptions): Promise<void> {
  const { name, config, logger, resources, health, signal, demand } = options
  const { routes, service, exchanges } = options
  const { databaseUrl: url, brokerUrl } = config
  const db = resources.use(connectDatabase<MessagingDatabase>({ name, url }))
  demand(requireDurability(db, signal, logger))
  const installation = ownInstallation(db, service, { logger, signal, demand })
  const broker = { name, url: brokerUrl, topology: { exchanges }, installation }
  const publisher = resources.use(new Publisher({ ...broker, logger }))
  const wakeUp = resources.use(hearWakeUps({ name, url, logger }))
  const outage = relayingOutage(logger)
  health.check('database', () => pingOutbox(db))
  health.check('broker', () => publisher.assertReady())
  health.check('relaying', () => outage.assertOver())
  await relayUntilStopped({ ...config, db, publisher, routes, wakeUp, outage, logger }, signal)
}
