import { Publisher } from './broker/publisher.ts'
import { relayDefaults } from './defaults.ts'
import { type EngineOptions, withEngine } from './engine.ts'
import { type Relay, relayingOutage, runRelay as relayUntilStopped } from './outbox/relay.ts'
import { pingOutbox } from './outbox/rows.ts'
import { listenForNewEvents } from './outbox/wake-up.ts'
import type { MessagingDatabase } from './tables.ts'

export interface RelayOptions
  extends EngineOptions,
    Pick<Relay, 'routes'>,
    Partial<typeof relayDefaults> {
  /** Which to declare: those of the routes by default. */
  exchanges?: readonly string[]
}

/**
 * Publishes what the outbox of a database holds, until told to stop. Waits for servers that are
 * away. Opens database, broker and LISTEN, reports their health, and closes them.
 */
export const runRelay = (options: RelayOptions): Promise<void> =>
  withEngine<MessagingDatabase>(options, 'relay', async ({ use, signal, health, ...opened }) => {
    const { name, db, logger, installation } = opened
    const { routes, databaseUrl, brokerUrl: url } = options
    const { exchanges = exchangesOf(routes) } = options
    const publisher = use(
      new Publisher({
        name,
        url,
        topology: { exchanges },
        logger,
        ...(installation && { installation }),
      }),
    )
    const wakeUp = use(listenForNewEvents({ name, url: databaseUrl, logger }))
    const outage = relayingOutage(logger)
    health.check('database', () => pingOutbox(db))
    health.check('broker', () => publisher.assertReady())
    health.check('relaying', () => outage.assertOver())
    const relay = { ...relayDefaults, ...options, db, publisher, wakeUp, outage, logger }
    await relayUntilStopped(relay, signal)
  })

const exchangesOf = (routes: Relay['routes']): string[] => [
  ...new Set(Object.values(routes).map(({ exchange }) => exchange)),
]
