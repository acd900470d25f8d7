import { brokerAddresses } from './broker/address.ts'
import { Publisher } from './broker/publisher.ts'
import { relayDefaults, withDefaults } from './defaults.ts'
import { type EngineOptions, withEngine } from './engine.ts'
import { failedReport, type Relay, relayingOutage, relayLoop } from './outbox/relay.ts'
import { listenForRelayNotifications } from './outbox/relay-notification.ts'
import { pingOutbox } from './outbox/rows.ts'
import { type SignatureOptions, signerOf } from './signatures/policy.ts'
import type { MessagingDatabase } from './tables.ts'

export interface RelayOptions
  extends EngineOptions,
    SignatureOptions,
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
    const { name, db, logger, installation, observer, watch } = opened
    const { routes, databaseUrl, brokerUrl: url } = options
    const { exchanges = exchangesOf(routes), ...given } = withDefaults(relayDefaults, options)
    const publisher = use(
      new Publisher({
        name,
        url,
        topology: { exchanges },
        ...{ logger, observer, eventsPerMessage: given.eventsPerMessage },
        ...(installation && { installation }),
      }),
    )
    const relayNotification = use(
      listenForRelayNotifications({ name, url: databaseUrl, logger, observer }),
    )
    const outage = relayingOutage(logger)
    health.check('database', () => pingOutbox(db))
    health.check('broker', () => publisher.assertReady())
    health.check('relaying', () => outage.assertOver())
    const loop = watch('relay', given.idleMs)
    const relay = {
      ...given,
      broker: brokerAddresses(url)[0],
      sign: signerOf(options),
      ...{ db, publisher, relayNotification, outage, logger, observer, loop },
      reportFailed: failedReport(logger),
    }
    await relayLoop(relay, signal)
  })

const exchangesOf = (routes: Relay['routes']): string[] => [
  ...new Set(Object.values(routes).map(({ exchange }) => exchange)),
]
