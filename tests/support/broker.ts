import { randomBytes } from 'node:crypto'
import amqp, { type ConfirmChannel, type GetMessage, type Options } from 'amqplib'
import { eventually } from './eventually.ts'
import { rabbitmqServer } from './servers.ts'

/** A virtual host, with a user of its own, for the tests of a `describe`. */
export interface TestBroker {
  url: string
  /** Puts a message, of any kind and shape, straight into a queue or through an exchange. */
  publish: (
    to: { exchange?: string; routingKey: string },
    content: Buffer | string | object,
    options?: Options.Publish,
  ) => Promise<void>
  /** Takes all messages that are ready out of a queue. */
  drain: (queue: string) => Promise<GetMessage[]>
  /** How many messages are ready in a queue: not those in a consumer's hands. */
  depth: (queue: string) => Promise<number>
  consumers: (queue: string) => Promise<number>
  /** For what the rest does not do, such as deleting a queue. */
  channel: () => ConfirmChannel
  /** Names of the connections, but for the one of the test itself. */
  connections: () => Promise<string[]>
  /** Closes them, as an operator does in the management UI; all, or those that call themselves so. */
  closeConnections: (clientName?: string) => Promise<void>
}

/** Creates the virtual host before the tests of this `describe`; afterwards fails if it is still used. */
export function useBroker(): TestBroker {
  const broker = {} as TestBroker
  let close = async () => {}
  before('create a virtual host', async function () {
    this.timeout(120_000)
    const opened = await openVhost()
    Object.assign(broker, opened.broker)
    close = opened.close
  })
  after('leave no connection to the broker', () => close())
  return broker
}

/** The same for whoever is no test of mocha. */
export async function openVhost(): Promise<{ broker: TestBroker; close: () => Promise<void> }> {
  const { address } = await rabbitmqServer()
  const name = `test-${process.pid}-${randomBytes(4).toString('hex')}`
  const userUrl = await createVhost(name)
  // The test's own connection is the administrator's, so that a user's connections are the others'.
  const { username, password } = new URL((await rabbitmqServer()).managementUrl)
  const connection = await amqp.connect(`amqp://${username}:${password}@${address}/${name}`)
  const channel = await connection.createConfirmChannel()
  const broker: TestBroker = {
    url: userUrl,
    ...messagesOn(channel, connection.createChannel.bind(connection)),
    channel: () => channel,
    connections: async () => (await connectionsOf(name)).map((one) => one.name),
    closeConnections: (clientName) => closeConnections(name, clientName),
  }
  const close = async () => {
    await connection.close()
    await assertNoConnections(name)
    await management('DELETE', `/users/${name}`)
    await management('DELETE', `/vhosts/${name}`)
  }
  return { broker, close }
}

/**
 * Throws, naming what is left, unless the user has no connection any more. A leak stays for ever; a
 * broker that is busy may take long to see that a client was killed, and to end its channels.
 *
 * RabbitMQ 3.10 goes on listing a client that was killed while it connected, by its name alone: a
 * connection that exists has a state, seconds later at most.
 */
async function assertNoConnections(name: string): Promise<void> {
  const namesOnlyFrom = performance.now() + 6_000
  await eventually(
    async () => {
      const found = await connectionsOf(name)
      const left = found.filter(({ state }) => state || performance.now() < namesOnlyFrom)
      if (left.length > 0) throw new Error(`Left open: ${left.map((one) => one.name).join('; ')}`)
      return true
    },
    { timeoutMs: 60_000 },
  )
}

async function createVhost(name: string): Promise<string> {
  const { address } = await rabbitmqServer()
  const password = randomBytes(9).toString('hex')
  await management('PUT', `/vhosts/${name}`, {})
  await management('PUT', `/users/${name}`, { password, tags: '' })
  const all = { configure: '.*', write: '.*', read: '.*' }
  await management('PUT', `/permissions/${name}/${name}`, all)
  const { username } = new URL((await rabbitmqServer()).managementUrl)
  await management('PUT', `/permissions/${name}/${username}`, all)
  return `amqp://${name}:${password}@${address}/${name}`
}

/** To ask for a queue that is not there closes the channel: hence one for each question. */
function messagesOn(channel: ConfirmChannel, createChannel: () => Promise<amqp.Channel>) {
  const check = async (queue: string) => {
    const own = await createChannel()
    own.on('error', () => {})
    const answer = await own.checkQueue(queue)
    await own.close()
    return answer
  }
  return {
    publish: async (
      { exchange = '', routingKey }: { exchange?: string; routingKey: string },
      content: Buffer | string | object,
      options: Options.Publish = {},
    ) => {
      channel.publish(exchange, routingKey, bytesOf(content), { persistent: true, ...options })
      await channel.waitForConfirms()
    },
    drain: async (queue: string) => {
      const own = await createChannel()
      own.on('error', () => {})
      const messages: GetMessage[] = []
      for (;;) {
        const gets = Array.from({ length: 50 }, () => own.get(queue, { noAck: true }))
        const got = (await Promise.all(gets)).filter((message) => message !== false)
        messages.push(...got)
        if (got.length === gets.length) continue
        await own.close()
        return messages
      }
    },
    depth: async (queue: string) => (await check(queue)).messageCount,
    consumers: async (queue: string) => (await check(queue)).consumerCount,
  }
}

const bytesOf = (content: Buffer | string | object): Buffer =>
  Buffer.isBuffer(content)
    ? content
    : Buffer.from(typeof content === 'string' ? content : JSON.stringify(content))

interface Connection {
  name: string
  /** Not there at once. */
  state?: string
  client_properties?: { connection_name?: string }
}

const connectionsOf = (user: string) =>
  management('GET', `/connections/username/${user}`) as Promise<Connection[]>

async function closeConnections(user: string, clientName?: string): Promise<void> {
  if (clientName === undefined) {
    await management('DELETE', `/connections/username/${user}`)
    return
  }
  for (const { name, client_properties } of await connectionsOf(user)) {
    if (client_properties?.connection_name !== clientName) continue
    await management('DELETE', `/connections/${encodeURIComponent(name)}`).catch(() => {})
  }
}

/** The management API, as administrator. */
async function management(method: string, path: string, body?: object): Promise<unknown> {
  const { managementUrl } = await rabbitmqServer()
  const { origin, username, password } = new URL(managementUrl)
  const response = await fetch(`${origin}/api${path}`, {
    method,
    headers: {
      authorization: `Basic ${btoa(`${username}:${password}`)}`,
      'content-type': 'application/json',
      connection: 'close',
    },
    ...(body && { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`)
  return text && JSON.parse(text)
}
