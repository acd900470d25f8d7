import assert from 'node:assert/strict'
import amqp, { type ConfirmChannel } from 'amqplib'
import { exchanges, queues } from '#contracts/topology.ts'
import { installationQueue } from '#messaging/broker/installation.ts'
import { deadLetterQueue, declareTopology } from '#messaging/broker/topology.ts'
import { useBroker } from '#testing/broker.ts'
import { brokerRoles, permissionsOf } from './broker.ts'
import { type BrokerRights, defaultExchange, type RoleName, roleNames, roles } from './table.ts'

const topicExchanges = [...Object.values(exchanges), 'amq.topic']
const consumerQueues = Object.values(queues).map(({ queue }) => queue)
const allQueues = [...consumerQueues, ...consumerQueues.map(deadLetterQueue), installationQueue]
/** Nobody has it; with a name that has the name of a queue in it. */
const foreign = 'payments-consumer.dlq.2'

describe('the users in RabbitMQ', () => {
  const broker = useBroker()
  const installation = { id: Promise.resolve('ours'), refuse: () => {} }

  before('declare everything, and one queue more', async () => {
    const topology = { queues: Object.values(queues) }
    await declareTopology({ name: 'test', url: broker.url, topology, installation })
    await broker.channel().assertQueue(foreign)
  })

  /** Each attempt has a channel of its own: a refusal closes the channel. */
  async function withUser(
    role: RoleName,
    work: (
      isDone: (attempt: (channel: ConfirmChannel) => Promise<unknown>) => Promise<boolean>,
    ) => Promise<void>,
  ) {
    const name = `${broker.url.split('/').at(-1)} ${role}`
    const connection = await amqp.connect(await broker.addUser(name, 'secret', permissionsOf(role)))
    try {
      await work(async (attempt) => {
        const channel = await connection.createConfirmChannel()
        const refused = new Promise<boolean>((resolve) =>
          channel.on('error', (error: { code?: number }) => resolve(error.code !== 403)),
        )
        const done = attempt(channel).then(
          () => true,
          ({ code }) => (code === undefined ? refused : code !== 403),
        )
        const result = await Promise.race([refused, done])
        await channel.close().catch(() => {}) // a refusal has closed it
        return result
      })
    } finally {
      await connection.close()
    }
  }

  /** All that the table forbids and RabbitMQ allows, or the other way round. */
  async function differences(role: RoleName, { configure, write, read }: BrokerRights) {
    const found: string[] = []
    await withUser(role, async (isDone) => {
      for (const [what, isAllowed, attempt] of attempts({ configure, write, read })) {
        if ((await isDone(attempt)) !== isAllowed) found.push(what)
      }
    })
    return found
  }

  for (const role of brokerRoles) {
    it(`let ${role} do what the table says, and nothing else`, async () => {
      assert.deepEqual(await differences(role, roles[role].broker as BrokerRights), [])
    })
  }

  it('are none for processes that need no broker', () => {
    assert.deepEqual(
      roleNames.filter((name) => !brokerRoles.includes(name)),
      ['orders-api', 'payments-api'],
    )
  })
})

type Attempt = [string, boolean, (channel: ConfirmChannel) => Promise<unknown>]

/**
 * Every right on every name; what is declared with other arguments is refused for that, not with
 * 403.
 */
function attempts({ configure, write, read }: BrokerRights): Attempt[] {
  return [
    ...[...topicExchanges, 'mine'].map(
      (name): Attempt => [
        `declare the exchange ${name}`,
        configure.includes(name),
        (channel) => channel.assertExchange(name, 'fanout'),
      ],
    ),
    ...[...allQueues, foreign, 'mine', 'operator.lock'].map(
      (name): Attempt => [
        `declare the queue ${name}`,
        configure.includes(name),
        (channel) => channel.assertQueue(name, { durable: false, exclusive: true }),
      ],
    ),
    ...[...topicExchanges, defaultExchange].map(
      (name): Attempt => [
        `publish to the exchange ${name}`,
        write.includes(name),
        async (channel) => {
          channel.publish(name === defaultExchange ? '' : name, 'nowhere', Buffer.from('x'))
          await channel.waitForConfirms()
        },
      ],
    ),
    ...[...allQueues, foreign].flatMap((queue): Attempt[] => [
      [`take from ${queue}`, read.includes(queue), (channel) => channel.get(queue)],
      [`purge ${queue}`, read.includes(queue), (channel) => channel.purgeQueue(queue)],
      // Who may declare a queue may delete the queue: the others still need it.
      ...(configure.includes(queue) ? [] : [deletion(queue)]),
      ...topicExchanges.map(
        (exchange): Attempt => [
          `bind ${queue} to ${exchange}`,
          write.includes(queue) && read.includes(exchange),
          (channel) => channel.bindQueue(queue, exchange, 'nowhere'),
        ],
      ),
    ]),
  ]
}

const deletion = (queue: string): Attempt => [
  `delete ${queue}`,
  false,
  (channel) => channel.deleteQueue(queue),
]
