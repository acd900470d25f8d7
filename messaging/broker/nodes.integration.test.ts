import assert from 'node:assert/strict'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { BrokerPorts } from '#local/servers/rabbitmq-settings.ts'
import { removeState } from '#local/stack/remove-state.ts'
import { useBroker } from '#testing/broker.ts'
import { eventually } from '#testing/eventually.ts'
import { freePorts } from '#testing/free-ports.ts'
import { silent } from '#testing/logger.ts'
import { startRabbitmq } from '#testing/private-servers.ts'
import { useResources } from '#testing/resources.ts'
import { controlOf } from '#testing/servers.ts'
import { closeConnection, connectOrFail } from './connection.ts'
import { Subscription } from './consumer.ts'
import { Publisher } from './publisher.ts'

/** Two nodes, each for itself: what matters is who turns to which of them. */
describe('of two nodes', function () {
  this.timeout(120_000)
  const topology = { queues: [{ queue: 'all', exchange: 'events', routingKeys: ['happened'] }] }
  const good = useBroker()
  const use = useResources()
  let dir: string
  let ports: BrokerPorts
  let bad: Awaited<ReturnType<typeof startRabbitmq>>
  let both: string

  before('start the one that will be in trouble', async () => {
    dir = mkdtempSync(join(tmpdir(), 'second-rabbitmq-'))
    const [amqp = 0, management = 0, distribution = 0, epmd = 0] = await freePorts(4)
    ports = { amqp, management, distribution, epmd }
    bad = await startRabbitmq({ dir, ports })
    both = `${bad.url},${good.url}`
  })

  after(async () => {
    await bad?.stop()
    await removeState(dir)
  })

  const control = (...args: string[]) => controlOf(join(dir, 'rabbitmq'), ports)(...args)
  const upgrade = (...args: string[]) =>
    controlOf(join(dir, 'rabbitmq'), ports, 'rabbitmq-upgrade')(...args)

  /** Begins at the bad node: whoever is at the good one is sent away. */
  async function atBadNode(isReady: () => boolean): Promise<void> {
    await eventually(isReady)
    while ((await good.connections()).length > 0) {
      await good.closeConnections()
      await eventually(async () => isReady() && (await good.connections()).length === 0, {
        timeoutMs: 2_000,
      }).catch(() => {})
      await eventually(isReady)
    }
  }

  async function publish() {
    const publisher = use(new Publisher({ name: 'nodes', url: both, topology, logger: silent }))
    await atBadNode(() => publisher.isReady())
    return publisher
  }

  function subscribe() {
    const received: string[] = []
    const subscription = use(
      new Subscription({
        ...{ name: 'nodes', url: both, topology, queue: 'all', prefetch: 10, logger: silent },
        installation: { id: Promise.resolve('ours'), refuse: assert.fail },
        timing: { bindEveryMs: 200 },
        onDelivery: ({ content, ack }) => {
          received.push(content.toString())
          ack()
        },
      }),
    )
    return { received, isConsuming: () => subscription.isConsuming() }
  }

  const message = () => ({
    ...{ id: crypto.randomUUID(), exchange: 'events', routingKey: 'happened' },
    content: Buffer.from('hello'),
  })
  /** Confirmed by the good node, which alone has a queue that we can look into. */
  const publishesAtGoodNode = (publisher: Publisher) =>
    eventually(async () => {
      await publisher.publishAll([message()], 1_000)
      return (await good.depth('all')) > 0
    })
  const hearsGoodNode = (received: string[]) =>
    eventually(async () => {
      await good.publish({ exchange: 'events', routingKey: 'happened' }, 'heard').catch(() => {})
      return received.includes('heard')
    })

  afterEach('empty the queue', async () => {
    await good.drain('all')
  })

  it('the one with an alarm is left by those who publish', async () => {
    const publisher = await publish()
    try {
      await control('set_vm_memory_high_watermark', '0.00001')
      await publishesAtGoodNode(publisher)
    } finally {
      await control('set_vm_memory_high_watermark', '0.6')
    }
  })

  it('the one whose queue has no leader is left', async () => {
    const publisher = await publish()
    try {
      await control('eval', "sys:suspend('%2F_all').")
      await publishesAtGoodNode(publisher)
      const many = Array.from({ length: 8 }, subscribe) // some of them begin at the bad node
      await eventually(() => many.every(({ isConsuming }) => isConsuming()))
    } finally {
      await control('eval', "sys:resume('%2F_all').")
    }
  })

  it('the one without a majority is left by those who have consumed there', async () => {
    const { received, isConsuming } = subscribe()
    await atBadNode(isConsuming)
    try {
      await control('eval', "sys:suspend('%2F_orders-payments.installation').")
      await hearsGoodNode(received)
    } finally {
      await control('eval', "sys:resume('%2F_orders-payments.installation').")
    }
  })

  it('the one in maintenance is left', async () => {
    const { received, isConsuming } = subscribe()
    await atBadNode(isConsuming)
    await upgrade('drain')
    await hearsGoodNode(received)
    await upgrade('revive')
  })

  it('the one that dies is left, by an operator too', async () => {
    const publisher = await publish()
    await bad.kill()
    await publishesAtGoodNode(publisher)
    await Promise.all(
      Array.from({ length: 5 }, async () => closeConnection(await connectOrFail(both, 'nodes'))),
    )
    await assert.rejects(connectOrFail(`${bad.url},amqp://127.0.0.1:9`, 'nodes'), {
      message: 'The broker cannot be reached',
    })
  })
})
