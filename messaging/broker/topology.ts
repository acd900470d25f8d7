import rascal from 'rascal'
import { withTimeout } from '#chassis/timeout.ts'
import { heartbeatSeconds, rascalFields } from './address.ts'
import { connectTimeoutMs } from './connection.ts'
import {
  type Installation,
  idOf,
  installationQueue,
  ownershipOf,
  refuseForeign,
} from './installation.ts'
import { explained, isRefused, otherArgumentOf, refusal } from './refusals.ts'

/** A queue bound to an exchange; its dead letters go to `<queue>.dlq`. */
export interface QueueTopology {
  queue: string
  exchange: string
  routingKeys: readonly string[]
}

/** What a process touches. Declaring is idempotent, so every process may be the first. */
export interface Topology {
  exchanges?: readonly string[]
  queues?: readonly QueueTopology[]
}

export interface BrokerOptions {
  /** Who we are, in the list of connections of the RabbitMQ UI. */
  name: string
  url: string
  topology: Topology
  /** Whose virtual host it has to be; nothing is declared in another one's. */
  installation?: Installation
}

/** How the topology is declared, when not in the first and usual way. */
export interface Declaring extends BrokerOptions {
  installationId?: string | undefined
  /**
   * A dead-letter queue from before it had an explicit limit. What a queue was declared with stays,
   * and to delete it would delete its letters: it is used as it is.
   */
  withoutDlqDeliveryLimit?: boolean
  /** Only looks whether all is there: a user without the right to configure may do no more. */
  isPassive?: boolean
}

export const deadLetterQueue = (queue: string): string => `${queue}.dlq`

/** How long connecting and declaring may take, and how long hanging up. */
const openTimeoutMs = 8_000
const closeTimeoutMs = 2_000

/**
 * An explicit, large delivery limit, the net under consumers that crash. Never -1, which RabbitMQ
 * 3.10 takes for "dead-letter at the first crash", and never the default of 4.x (20), which
 * dead-letters innocent prefetched messages. Failures are counted by the application instead.
 */
const deliveryLimit = 1_000

/**
 * Of dead letters, none: each look at a letter may count as a delivery, and at the limit it is
 * gone. The default of RabbitMQ 4 is 20, so this is the largest number that both versions take.
 */
const noDeliveryLimit = 2_147_483_647

/**
 * Makes sure that the topology exists, again whenever it is called: a broker that came back without
 * its disk gets it again. One attempt; rascal's own reconnecting is off, because the callers retry
 * by calling it again. Rejects when the virtual host belongs to another installation.
 */
export async function declareTopology(options: BrokerOptions): Promise<void> {
  const declaring: Declaring = { ...options, name: `${options.name} topology` }
  if (options.installation) declaring.installationId = await idOf(options.installation)
  await declare(declaring).catch((error) => {
    throw options.installation ? refuseForeign(options.installation, error) : error
  })
}

/** In the usual way, or in the one that is left when the broker has refused that. */
async function declare(declaring: Declaring): Promise<void> {
  try {
    await declareOnce(rascalConfig(declaring))
  } catch (error) {
    const { isPassive, withoutDlqDeliveryLimit } = declaring
    if (!isPassive && isRefused(error, refusal.notAllowed)) return lookAt(declaring)
    if (!withoutDlqDeliveryLimit && isDeadLetterQueue(otherArgumentOf(error as Error)?.name)) {
      return declare({ ...declaring, withoutDlqDeliveryLimit: true })
    }
    throw explained(error as Error)
  }
}

/**
 * Whose the virtual host is, is declared all the same by a user who may: it cannot be looked at.
 */
async function lookAt(declaring: Declaring): Promise<void> {
  const { installationId, ...rest } = declaring
  if (installationId) {
    await declareOnce(rascalConfig({ ...declaring, topology: {} })).catch((error) => {
      if (!isRefused(error, refusal.notAllowed)) throw error
    })
  }
  await declare({ ...rest, isPassive: true })
}

const isDeadLetterQueue = (name = ''): boolean => name === deadLetterQueue(name.slice(0, -4))

async function declareOnce(config: rascal.BrokerConfig): Promise<void> {
  const creating = rascal.BrokerAsPromised.create(config)
  try {
    await shutDown(await withTimeout(openTimeoutMs, 'declaring the topology', creating))
  } catch (error) {
    creating.then(shutDown, () => {}) // should it succeed after all
    const failed = error as Error & { broker?: symbol } & Record<symbol, rascal.BrokerAsPromised>
    const broker = failed.broker && failed[failed.broker]
    if (broker) await shutDown(broker)
    throw error
  }
}

/**
 * Not waiting long: rascal never hears that a connection which broke while it was being closed is
 * closed. Its listeners stay, since an error that nobody hears ends the process.
 */
async function shutDown(broker: rascal.BrokerAsPromised): Promise<void> {
  broker.on('error', () => {})
  await withTimeout(closeTimeoutMs, 'disconnecting', broker.shutdown()).catch(() => {})
}

/** The same as data, in rascal's words. */
export function rascalConfig(declaring: Declaring): rascal.BrokerConfig {
  const { name, url, topology, installationId, isPassive = false } = declaring
  const { exchanges = [], queues = [] } = topology
  const how = { assert: !isPassive, check: isPassive }
  const names = [...new Set([...exchanges, ...queues.map(({ exchange }) => exchange)])]
  const config = {
    defaults: { vhosts: { connection: { retry: false } } },
    vhosts: {
      broker: {
        connection: connectionConfig(name, url),
        publicationChannelPools: {
          regularPool: { autostart: false },
          confirmPool: { autostart: false },
        },
        exchanges: Object.fromEntries(
          names.map((exchange) => [
            exchange,
            { type: 'topic', options: { durable: true }, ...how },
          ]),
        ),
        queues: Object.fromEntries(
          [
            ...(installationId ? [[installationQueue, ownershipOf(installationId)] as const] : []),
            ...queues.flatMap(({ queue }) =>
              queueConfigs(queue, declaring.withoutDlqDeliveryLimit),
            ),
          ].map(([queue, options]) => [queue, { options, ...how }]),
        ),
        // Whether they are there cannot be asked: a consumer makes them, as far as it may.
        bindings: isPassive ? {} : Object.fromEntries(queues.map(bindingConfig)),
      },
    },
  }
  return rascal.withDefaultConfig(config as unknown as rascal.BrokerConfig)
}

function connectionConfig(name: string, url: string) {
  const { credentials, ...rest } = rascalFields(url)
  const clientProperties = { connection_name: name }
  return {
    ...rest,
    options: { heartbeat: heartbeatSeconds, channelMax: 100 },
    socketOptions: { timeout: connectTimeoutMs, clientProperties, credentials },
  }
}

const queueConfigs = (queue: string, withoutDlqDeliveryLimit = false) =>
  [
    [
      queue,
      {
        durable: true,
        arguments: {
          'x-queue-type': 'quorum',
          'x-delivery-limit': deliveryLimit,
          'x-dead-letter-exchange': '',
          'x-dead-letter-routing-key': deadLetterQueue(queue),
          'x-dead-letter-strategy': 'at-least-once',
          'x-overflow': 'reject-publish',
        },
      },
    ],
    [
      deadLetterQueue(queue),
      {
        durable: true,
        arguments: {
          'x-queue-type': 'quorum',
          ...(!withoutDlqDeliveryLimit && { 'x-delivery-limit': noDeliveryLimit }),
        },
      },
    ],
  ] as const

const bindingConfig = ({ queue, exchange, routingKeys }: QueueTopology) => [
  queue,
  { source: exchange, destination: queue, destinationType: 'queue', bindingKeys: [...routingKeys] },
]
