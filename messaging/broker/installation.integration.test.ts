import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { sql } from 'kysely'
import { exchanges, queues } from '#contracts/topology.ts'
import { permissionsOf } from '#roles/broker.ts'
import { useBroker } from '#testing/broker.ts'
import { useDatabase } from '#testing/database.ts'
import { eventually } from '#testing/eventually.ts'
import { recordingLogger, silent } from '#testing/logger.ts'
import { useResources } from '#testing/resources.ts'
import { Subscription } from './consumer.ts'
import { type Installation, installationQueue } from './installation.ts'
import { Publisher } from './publisher.ts'

const { queue, exchange } = queues.paymentsConsumer
const topology = { queues: [queues.paymentsConsumer] }

/** A process of the installation that has this id, and why it was refused. */
function ofInstallation(id: string) {
  const refused: string[] = []
  const installation: Installation = {
    id: Promise.resolve(id),
    refuse: ({ message }) => refused.push(message),
  }
  return { installation, refused }
}

describe('a virtual host', () => {
  const broker = useBroker()
  const use = useResources()
  const options = (url = broker.url) => ({ name: 'test', url, topology, logger: silent })
  const publish = (content: string) =>
    broker.publish({ exchange, routingKey: 'payment.requested' }, content)

  afterEach(async () => {
    for (const name of [installationQueue, queue, `${queue}.dlq`])
      await broker.channel().deleteQueue(name)
    for (const name of Object.values(exchanges)) await broker.channel().deleteExchange(name)
  })

  it('belongs to the installation that comes first: another one consumes and publishes nothing', async () => {
    const [ours, theirs] = [ofInstallation('ours'), ofInstallation('theirs')]
    const publisher = use(new Publisher({ ...options(), ...ours }))
    await eventually(() => publisher.isReady())
    const consuming = { ...options(), queue, prefetch: 1, onDelivery: () => assert.fail() }
    const subscription = use(new Subscription({ ...consuming, ...theirs }))
    const other = use(new Publisher({ ...options(), ...theirs }))
    await publish('for us')
    await eventually(() => theirs.refused.length >= 4)
    assert.match(
      theirs.refused[0] ?? '',
      /belongs to another installation.* says 'ours'.* say 'theirs'/,
    )
    assert.equal(subscription.isConsuming() || other.isReady(), false)
    assert.equal(await broker.depth(queue), 1)
    assert.deepEqual(ours.refused, [])
  })

  it('belongs to one of two that come at once', async () => {
    const all = ['a', 'b', 'c', 'd'].map((id) => {
      const { installation, refused } = ofInstallation(id)
      return { refused, publisher: use(new Publisher({ ...options(), installation })) }
    })
    await eventually(() =>
      all.every(({ publisher, refused }) => publisher.isReady() || refused.length > 0),
    )
    assert.equal(all.filter(({ publisher }) => publisher.isReady()).length, 1)
  })

  it('that has lost all it had is furnished by whoever comes first', async () => {
    const { installation, refused } = ofInstallation('ours')
    const publisher = use(new Publisher({ ...options(), installation }))
    await eventually(() => publisher.isReady())
    await broker.channel().deleteQueue(installationQueue)
    await broker.closeConnections()
    await eventually(() => !publisher.isReady())
    await eventually(() => publisher.isReady())
    assert.equal(await broker.depth(installationQueue), 0)
    assert.deepEqual(refused, [])
  })

  it('that nobody owns yet has no relay: a relay waits until a consumer has named the owner', async () => {
    const vhost = broker.url.split('/').at(-1)
    const [relay, consumer] = (['orders-relay', 'payments-consumer'] as const).map((role) =>
      broker.addUser(`${vhost} ${role}`, 'secret', permissionsOf(role)),
    )
    const { logger, lines } = recordingLogger()
    const exchangeOnly = { exchanges: [exchange] }
    const relaying = { ...options(await relay), topology: exchangeOnly, logger }
    const publisher = use(new Publisher({ ...relaying, ...ofInstallation('ours') }))
    const [line] = await eventually(() => lines.length > 0 && lines)
    assert.match(line?.err?.message ?? '', /may not create it: a consumer does so when it connects/)
    assert.ok(!publisher.isReady())
    const foreign = ofInstallation('theirs')
    const other = use(new Publisher({ ...relaying, ...foreign }))
    const consuming = { ...options(await consumer), ...ofInstallation('ours'), queue, prefetch: 1 }
    use(new Subscription({ ...consuming, onDelivery: () => assert.fail() }))
    await eventually(() => publisher.isReady() && foreign.refused.length > 0)
    assert.ok(!other.isReady())
  })

  describe('and a user who may not configure', () => {
    const nothing = { configure: '^$' }

    it('publishes and consumes where everything is there already', async () => {
      const first = use(new Publisher({ ...options(), ...ofInstallation('ours') }))
      await eventually(() => first.isReady())
      const url = await broker.addUser(`${broker.url.split('/').at(-1)} reader`, 'secret', nothing)
      const heard = Promise.withResolvers<string>()
      const subscription = use(
        new Subscription({
          ...options(url),
          ...ofInstallation('ours'),
          queue,
          prefetch: 1,
          onDelivery: (delivery) => {
            delivery.ack()
            heard.resolve(String(delivery.content))
          },
        }),
      )
      const publisher = use(new Publisher({ ...options(url), ...ofInstallation('ours') }))
      await eventually(() => subscription.isConsuming() && publisher.isReady())
      const content = Buffer.from('hello')
      const message = { id: '1', exchange, routingKey: 'payment.requested', content }
      assert.deepEqual(
        await publisher.publishAll([message], 3_000).then(({ failed }) => failed),
        [],
      )
      assert.equal(await heard.promise, 'hello')
    })

    it('is told what is not there', async () => {
      const url = await broker.addUser(`${broker.url.split('/').at(-1)} early`, 'secret', nothing)
      const { logger, lines } = recordingLogger()
      use(new Publisher({ ...options(url), logger, ...ofInstallation('ours') }))
      const [line] = await eventually(() => lines.length > 0 && lines)
      const said = /may not configure it.*declare it.*no exchange 'orders.events'/
      assert.match(line?.err?.message ?? '', said)
    })

    it('is refused in the virtual host of another installation if he may declare the queue that says so', async () => {
      const first = use(new Publisher({ ...options(), ...ofInstallation('ours') }))
      await eventually(() => first.isReady())
      const may = { configure: '^orders-payments\\.installation$' }
      const url = await broker.addUser(`${broker.url.split('/').at(-1)} other`, 'secret', may)
      const theirs = ofInstallation('theirs')
      const publisher = use(new Publisher({ ...options(url), ...theirs }))
      await eventually(() => theirs.refused.length > 0)
      assert.ok(!publisher.isReady())
    })
  })
})

describe('a process whose virtual host belongs to another installation', () => {
  const broker = useBroker()
  const orders = useDatabase('orders')
  const payments = useDatabase('payments')
  const use = useResources()

  for (const name of ['orders-relay', 'orders-consumer', 'payments-relay', 'payments-consumer']) {
    it(`${name} says so and exits with 78`, async () => {
      const first = new Publisher({
        name: 'test',
        url: broker.url,
        topology,
        logger: silent,
        ...ofInstallation('first'),
      })
      use(first)
      await eventually(() => first.isReady())
      const { code, stderr } = await run(name)
      assert.equal(code, 78)
      assert.match(
        stderr,
        /^Cannot start:\n {2}The virtual host of AMQP_URL belongs to another installation/,
      )
    })
  }

  it('or whose database is the other service’s, says so and exits with 78', async () => {
    await payments.rows(sql`UPDATE installation SET service = 'orders'`)
    const { code, stderr } = await run('payments-relay')
    await payments.rows(sql`UPDATE installation SET service = 'payments'`)
    assert.equal(code, 78)
    assert.match(
      stderr,
      /PAYMENTS_DATABASE_URL names the database of orders: are the two URLs swapped\?/,
    )
  })

  async function run(name: string) {
    const env = {
      PATH: process.env.PATH,
      PORT: '0',
      AMQP_URL: broker.url,
      ORDERS_DATABASE_URL: orders.url,
      PAYMENTS_DATABASE_URL: payments.url,
    }
    const child = spawn(process.execPath, [`${name}/main.ts`], { env })
    child.stdout.resume()
    let stderr = ''
    child.stderr.on('data', (chunk) => {
      stderr += chunk
    })
    const [code] = await once(child, 'close')
    return { code, stderr }
  }
})
