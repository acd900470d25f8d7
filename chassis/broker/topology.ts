import rascal from 'rascal'
import { within } from '../deadline.ts'
import { heartbeatSeconds, rascalFields } from './address.ts'
import { connectTimeoutMs } from './connection.ts'

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
  /**
   * A dead-letter queue from before it had an explicit limit. What a queue was declared with stays,
   * and to delete it would delete its letters: it is used as it is.
   */
  isOldDeadLetterQueue?: boolean
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
 * Of dead letters, none: each look at a letter may count as a delivery, and at the limit it is gone.
 * The default of RabbitMQ 4 is 20, so this is the largest number that both versions take.
 */
const noDeliveryLimit = 2_147_483_647

/**
 * Makes sure that the topology exists, again whenever it is called: a broker that came back without
 * its disk is furnished anew. One attempt; rascal's own reconnecting is off, because whoever calls
 * this begins again from here.
 */
export async function declareTopology(options: BrokerOptions): Promise<void> {
  const declaring = { ...options, name: `${options.name} topology` }
  try {
    await declareOnce(rascalConfig(declaring))
  } catch (error) {
    if ((error as { code?: unknown }).code !== preconditionFailed) throw error
    await declareOnce(rascalConfig({ ...declaring, isOldDeadLetterQueue: true }))
  }
}

/** AMQP's code for a queue that is there with other arguments. */
const preconditionFailed = 406

async function declareOnce(config: rascal.BrokerConfig): Promise<void> {
  const creating = rascal.BrokerAsPromised.create(config)
  try {
    await hangUp(await within(openTimeoutMs, 'declaring the topology', creating))
  } catch (error) {
    creating.then(hangUp, () => {}) // should it succeed after all
    const failed = error as Error & { broker?: symbol } & Record<symbol, rascal.BrokerAsPromised>
    const broker = failed.broker && failed[failed.broker]
    if (broker) await hangUp(broker)
    throw error
  }
}

/**
 * Not waiting long: rascal never hears that a connection which broke while it was being closed is
 * closed. Its listeners stay, since an error that nobody hears ends the process.
 */
async function hangUp(broker: rascal.BrokerAsPromised): Promise<void> {
  broker.on('error', () => {})
  await within(closeTimeoutMs, 'disconnecting', broker.shutdown()).catch(() => {})
}

/** The same as data, in rascal's words. */
export function rascalConfig({
  name,
  url,
  topology,
  isOldDeadLetterQueue = false,
}: BrokerOptions): rascal.BrokerConfig {
  const { exchanges = [], queues = [] } = topology
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
          names.map((exchange) => [exchange, { type: 'topic', options: { durable: true } }]),
        ),
        queues: Object.fromEntries(
          queues.flatMap(({ queue }) => queueConfigs(queue, isOldDeadLetterQueue)),
        ),
        bindings: Object.fromEntries(queues.map(bindingConfig)),
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

const queueConfigs = (queue: string, isOldDeadLetterQueue: boolean) => [
  [
    queue,
    {
      options: {
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
    },
  ],
  [
    deadLetterQueue(queue),
    {
      options: {
        durable: true,
        arguments: {
          'x-queue-type': 'quorum',
          ...(!isOldDeadLetterQueue && { 'x-delivery-limit': noDeliveryLimit }),
        },
      },
    },
  ],
]

const bindingConfig = ({ queue, exchange, routingKeys }: QueueTopology) => [
  queue,
  { source: exchange, destination: queue, destinationType: 'queue', bindingKeys: [...routingKeys] },
]
