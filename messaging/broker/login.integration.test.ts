import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { useBroker } from '#testing/broker.ts'
import { useDatabase } from '#testing/database.ts'
import { eventually } from '#testing/eventually.ts'
import { freePorts } from '#testing/free-ports.ts'
import { silent } from '#testing/logger.ts'
import { useResources } from '#testing/resources.ts'
import { rascalFields } from './address.ts'
import { Subscription } from './consumer.ts'
import { Publisher } from './publisher.ts'

const logins = {
  'a colon in both': ['tom:cat', 'first:second:third'],
  'every separator of a URL': ['tom@cat/dog', 'p/w?q#r@s:t;u&v=w+x%41 "y"'],
  'letters beyond ASCII': ['jürgen', 'pässwörd-密码-🔑'],
}

describe('a login with', () => {
  const broker = useBroker()
  const use = useResources()

  for (const [what, [name = '', password = '']] of Object.entries(logins)) {
    it(`${what} declares, publishes and consumes`, async () => {
      const own = `${broker.url.split('/').at(-1)} ${name}`
      const url = await broker.addUser(own, password)
      const queue = { queue: what, exchange: `for ${what}`, routingKeys: ['all'] }
      const options = { name: 'login', url, topology: { queues: [queue] }, logger: silent }
      const heard = Promise.withResolvers<string>()
      const consuming = { ...options, queue: what, prefetch: 1 }
      use(
        new Subscription({
          ...consuming,
          onDelivery: (delivery) => {
            delivery.ack()
            heard.resolve(String(delivery.content))
          },
        }),
      )
      const publisher = use(new Publisher(options))
      await eventually(() => publisher.isReady())
      await broker.publish({ exchange: queue.exchange, routingKey: 'all' }, 'hello')
      assert.equal(await heard.promise, 'hello')
    })
  }
})

describe('no part of a password', () => {
  const broker = useBroker()
  const database = useDatabase('orders')
  const secret = ['swordfish', 'mackerel', 'haddock', 'sturgeon']
  const passwords = [':', '/', '@', ';', '%', 'ü'].map((mark) => secret.join(mark))

  for (const password of passwords) {
    const encoded = encodeURIComponent(password)
    it(`is said of ${password.replaceAll(/[a-z]+/g, '…')}: login refused, nobody there, hung up, raw`, async () => {
      const { host } = new URL(broker.url)
      const [closed] = await freePorts(1)
      const silent = createServer((socket) => socket.end()).listen(0, '127.0.0.1')
      await once(silent, 'listening')
      const { port } = silent.address() as { port: number }
      const said = await Promise.all([
        saidBy(`amqp://nobody:${encoded}@${host}/x`, /refused|ACCESS/),
        saidBy(`amqp://nobody:${encoded}@127.0.0.1:${closed}`, /ECONNREFUSED/),
        saidBy(`amqp://nobody:${encoded}@127.0.0.1:${port}`, /"err"/),
        saidBy(`amqp://nobody:${password}@${host}/x`, /"err"|AMQP_URL must/),
      ])
      silent.close()
      const parts = [...secret, encoded, password, Buffer.from(password).toString('base64')]
      for (const text of said) for (const part of parts) assert.ok(!text.includes(part), text)
    })
  }

  it('is in what rascal gets as a URL', () => {
    const { url, credentials } = rascalFields(
      'amqp://tom%3Acat:swordfish@[::1]:5673/a%2Fb?heartbeat=9',
    )
    assert.equal(url, 'amqp://[::1]:5673/a%252Fb?heartbeat=9')
    assert.equal(String(credentials.response()), '\0tom:cat\0swordfish')
  })

  /** All that a process says until it has said this, and in stopping. */
  async function saidBy(url: string, what: RegExp): Promise<string> {
    const env = {
      PATH: process.env.PATH,
      PORT: '0',
      AMQP_URL: url,
      ORDERS_DATABASE_URL: database.url,
      LOG_LEVEL: 'trace',
      DEBUG: 'rascal:*',
    }
    const child = spawn(process.execPath, ['orders-relay/main.ts'], { env })
    let text = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk) => {
        text += chunk
      })
    }
    const ended = once(child, 'close')
    await eventually(() => what.test(text) || child.exitCode !== null, { timeoutMs: 30_000 })
    child.kill('SIGTERM')
    await ended
    assert.match(text, what)
    return text
  }
})
