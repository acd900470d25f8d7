import rascal from 'rascal'
import { withTimeout } from '#chassis/timeout.ts'
import { certificatesFor, heartbeatSeconds, rascalFields } from './address.ts'
import { connectTimeoutMs } from './connection.ts'
import {
  type Installation,
  idOf,
  installationQueue,
  ownershipOf,
  refuseForeign,
} from './installation.ts'
import { explained, isRefused, lacksDefaultExchange, otherArgumentOf, refusal } from './refusals.ts'

/** A queue bound to an exchange; its dead letters go to `<queue>.dlq`. */
export interface QueueTopology {
  queue: string
  exchange: string
  routingKeys: readonly string[]
}

/**
 * The exchanges and queues that a process uses. Declaring is idempotent, so every process may be
 * the first.
 */
export interface Topology {
  exchanges?: readonly string[]
  queues?: readonly QueueTopology[]
}

export interface BrokerOptions {
  /** The name of the connection in the RabbitMQ UI. */
  name: string
  /** Of a node, or of several nodes of a cluster. */
  url: string
  topology: Topology
  /**
   * The installation that must own the virtual host; nothing is declared in the virtual host of
   * another one.
   */
  installation?: Installation
}

/** Fallback modes of the declaration. */
export interface Declaring extends BrokerOptions {
  installationId?: string | undefined
  /**
   * For a dead-letter queue that was declared before it had an explicit limit. A queue keeps the
   * arguments that it was declared with, and deleting the queue would delete its messages: it is
   * used as it is.
   */
  withoutDlqDeliveryLimit?: boolean
  /**
   * Only checks that everything exists: all that a user without the permission to configure may do.
   */
  isPassive?: boolean
}

export const deadLetterQueue = (queue: string): string => `${queue}.dlq`

/** Where the operator keeps the messages of a queue that is declared again. */
export const movingQueue = (queue: string): string => `${queue}.moving`

/** Time limits for connecting and declaring, and for closing. */
const openTimeoutMs = 8_000
const closeTimeoutMs = 2_000

/**
 * An explicit, large delivery limit, a safety net for consumers that crash. Never -1, which
 * RabbitMQ 3.10 takes for "dead-letter at the first crash", and never the default of 4.x (20),
 * which dead-letters innocent prefetched messages. Failures are counted by the application instead.
 */
const deliveryLimit = 1_000

/**
 * No limit for dead letters, and for messages that are being moved: each look at one may count as a
 * delivery, and at the limit the broker drops it. The default of RabbitMQ 4 is 20, so this is the
 * largest number that both versions accept.
 */
const noDeliveryLimit = 2_147_483_647

/**
 * Makes sure that the topology exists, at each call: a broker that lost its disk gets the topology
 * again. One attempt; rascal's own reconnecting is off, because the callers repeat the call.
 * Rejects when the virtual host belongs to another installation.
 */
export async function declareTopology(options: BrokerOptions): Promise<void> {
  const declaring: Declaring = { ...options, name: `${options.name} topology` }
  if (options.installation) declaring.installationId = await idOf(options.installation)
  await declare(declaring).catch((error) => {
    throw options.installation ? refuseForeign(options.installation, error) : error
  })
}

/** In the normal mode, or in the fallback mode for what the broker has refused. */
async function declare(declaring: Declaring): Promise<void> {
  try {
    await declareOnce(rascalConfig(declaring))
  } catch (error) {
    const { isPassive, withoutDlqDeliveryLimit } = declaring
    if (lacksDefaultExchange(error as Error)) throw explained(error as Error)
    if (!isPassive && isRefused(error, refusal.notAllowed)) return checkOnly(declaring)
    if (!withoutDlqDeliveryLimit && isDeadLetterQueue(otherArgumentOf(error as Error)?.name)) {
      return declare({ ...declaring, withoutDlqDeliveryLimit: true })
    }
    throw explained(error as Error)
  }
}

/** The ownership queue is declared actively even here; a passive declare compares no arguments. */
async function checkOnly(declaring: Declaring): Promise<void> {
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
    creating.then(shutDown, () => {}) // if it succeeds after the time limit
    const failed = error as Error & { broker?: symbol } & Record<symbol, rascal.BrokerAsPromised>
    const broker = failed.broker && failed[failed.broker]
    if (broker) await shutDown(broker)
    throw error
  }
}

/**
 * Closes, with a time limit: rascal is never told that a connection which broke while it was being
 * closed is closed. The error listener stays, since an error without a listener ends the process.
 */
async function shutDown(broker: rascal.BrokerAsPromised): Promise<void> {
  broker.on('error', () => {})
  await withTimeout(closeTimeoutMs, 'disconnecting', broker.shutdown()).catch(() => {})
}

/** The topology as a configuration of rascal. */
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
        // AMQP cannot check a binding: consumers bind their queues, if they have the permission.
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
    socketOptions: {
      ...certificatesFor(url),
      ...{ timeout: connectTimeoutMs, clientProperties, credentials },
    },
  }
}

/** A consumer's queue and its dead-letter queue, each with the options of its declaration. */
export const queueConfigs = (queue: string, withoutDlqDeliveryLimit = false) =>
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

/** The options of `movingQueue`. */
export const movingOptions = {
  durable: true,
  arguments: { 'x-queue-type': 'quorum', 'x-delivery-limit': noDeliveryLimit },
}

const bindingConfig = ({ queue, exchange, routingKeys }: QueueTopology) => [
  queue,
  { source: exchange, destination: queue, destinationType: 'queue', bindingKeys: [...routingKeys] },
]
