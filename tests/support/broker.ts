import { randomBytes } from 'node:crypto'
import amqp, { type ConfirmChannel, type GetMessage, type Options } from 'amqplib'
import { eventuallyPasses } from './eventually.ts'
import { rabbitmqServer } from './servers.ts'

/** Permissions of a user, as regular expressions of names of queues and exchanges. */
interface Permissions {
  configure: string
  write: string
  read: string
}

/** A virtual host, with a user of its own, for the tests of a `describe`. */
export interface TestBroker {
  url: string
  /** Publishes any message, to a queue or an exchange. */
  publish: (
    to: { exchange?: string; routingKey: string },
    content: Buffer | string | object,
    options?: Options.Publish,
  ) => Promise<void>
  /** Consumes all ready messages of a queue. */
  drain: (queue: string) => Promise<GetMessage[]>
  /** The number of ready messages of a queue, without unacknowledged ones. */
  depth: (queue: string) => Promise<number>
  consumers: (queue: string) => Promise<number>
  /**
   * One more user of this virtual host, who may do all of it or what is named here; the URL of his.
   */
  addUser: (name: string, password: string, may?: Partial<Permissions>) => Promise<string>
  /** A channel for everything else, such as deleting a queue. */
  channel: () => ConfirmChannel
  /** The names of all connections except the test's own. */
  connections: () => Promise<string[]>
  /** Closes them, as an operator does in the management UI. */
  closeConnections: () => Promise<unknown>
}

/**
 * Creates the virtual host before the tests of this `describe`; afterwards fails if it is still
 * used.
 */
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

/** As `useBroker`, outside of mocha. */
export async function openVhost({ areClientsKilled = false } = {}): Promise<{
  broker: TestBroker
  close: () => Promise<void>
}> {
  const { address } = await rabbitmqServer()
  const name = `test-${process.pid}-${randomBytes(4).toString('hex')}`
  const userUrl = await createVhost(name)
  // The test's own connection is the administrator's, so that a user's connections are the others'.
  const { username, password } = new URL((await rabbitmqServer()).managementUrl)
  const connection = await amqp.connect(`amqp://${username}:${password}@${address}/${name}`)
  const channel = await connection.createConfirmChannel()
  const users = [name]
  const broker: TestBroker = {
    url: userUrl,
    addUser: (user, password, may) => {
      users.push(user)
      return createUser({ user, password, vhost: name, may })
    },
    ...messagesOn(channel, connection.createChannel.bind(connection)),
    channel: () => channel,
    connections: () => connectionsOf(name),
    closeConnections: () => management('DELETE', `/connections/username/${name}`),
  }
  const close = async () => {
    await connection.close()
    await (areClientsKilled ? assertNoLivingConnections(name) : assertNoConnections(name))
    for (const user of users) await management('DELETE', `/users/${encodeURIComponent(user)}`)
    await management('DELETE', `/vhosts/${name}`)
  }
  return { broker, close }
}

/**
 * Throws, naming what is left, unless the user has no connection any more. The broker gives a
 * connection that ended without a word up when it has missed heartbeats, which takes three of them:
 * 12 s.
 */
const assertNoConnections = (user: string): Promise<true> =>
  eventuallyPasses(async () => assertNone(await connectionsOf(user)), { timeoutMs: 20_000 })

/**
 * The same where clients were killed. A busy broker may take long to see that, and to end their
 * channels; and RabbitMQ 3.10 goes on listing a client that was killed while it connected, by its
 * name alone: of a connection that exists it knows more, seconds later.
 */
async function assertNoLivingConnections(user: string): Promise<void> {
  const knownBy = performance.now() + 10_000
  const assertions = async () => {
    const names = await connectionsOf(user)
    const known = new Set((await detailsOf(user)).map(({ name }) => name))
    assertNone(names.filter((name) => known.has(name) || performance.now() < knownBy))
  }
  await eventuallyPasses(assertions, { timeoutMs: 60_000, everyMs: 200 })
}

function assertNone(names: string[]): void {
  if (names.length > 0) throw new Error(`Left open at the broker: ${names.join('; ')}`)
}

async function createVhost(name: string): Promise<string> {
  const password = randomBytes(9).toString('hex')
  await management('PUT', `/vhosts/${name}`, {})
  const { username } = new URL((await rabbitmqServer()).managementUrl)
  await management('PUT', `/permissions/${name}/${username}`, everything)
  return createUser({ user: name, password, vhost: name })
}

const everything: Permissions = { configure: '.*', write: '.*', read: '.*' }

interface NewUser {
  user: string
  password: string
  vhost: string
  may?: Partial<Permissions> | undefined
}

async function createUser({ user, password, vhost, may = {} }: NewUser): Promise<string> {
  const { address } = await rabbitmqServer()
  const [login, secret] = [user, password].map(encodeURIComponent)
  await management('PUT', `/users/${login}`, { password, tags: '' })
  await management('PUT', `/permissions/${vhost}/${login}`, { ...everything, ...may })
  return `amqp://${login}:${secret}@${address}/${vhost}`
}

/** Each check has its own channel: a check of a missing queue closes the channel. */
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

async function connectionsOf(user: string): Promise<string[]> {
  const found = await management('GET', `/connections/username/${user}`)
  return (found as { name: string }[]).map(({ name }) => name)
}

/** Details of the connections, which the broker has some seconds after their opening. */
async function detailsOf(user: string) {
  const found = (await management('GET', '/connections')) as {
    name: string
    user: string
  }[]
  return found.filter((one) => one.user === user)
}

/** Calls the management API as administrator. */
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
