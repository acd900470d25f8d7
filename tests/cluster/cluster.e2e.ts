import assert from 'node:assert/strict'
import { processNames } from '#local/stack/ports.ts'
import { Clients } from '#reliability/judge/clients.ts'
import { sayOrders } from '#reliability/judge/verdict.ts'
import { eventually } from '#testing/eventually.ts'
import { freePorts } from '#testing/free-ports.ts'
import { type Scene, setScene } from '../compose/scene.ts'
import { brokers, consensus, databases, membersIn, membersOf } from './members.ts'

const minutes = 60_000
/** `npm run test:cluster -- --all`. */
const isWhole = process.argv.includes('--all')

/** How long nobody may wait for the next order to become final, by what is lost. */
const withinMs = { broker: 10_000, primary: 30_000, other: 5_000 }

/**
 * Parts of docker-compose.cluster.yml are lost under load, one after the other, without any payment
 * request timeout: what is lost, is lost. The verdict is the last test.
 */
describe('a cluster that loses', function () {
  this.timeout(10 * minutes)
  const scene = {} as Scene
  let gateways: [string, string]
  let clients: Clients
  let members: ReturnType<typeof membersIn>

  before(async function () {
    this.timeout(20 * minutes)
    const [second = 0] = await freePorts(1)
    Object.assign(
      scene,
      await setScene({
        ...{ paymentRequestTimeoutMs: 0, replicas: 2, ordersPerSecond: 5, users: 20 },
        extraFiles: ['docker-compose.cluster.yml', 'tests/cluster/reachable.yml'],
        env: { GATEWAY_2_PORT: String(second) },
      }),
    )
    gateways = [scene.project.gateway, `http://127.0.0.1:${second}`]
    clients = clientsAt(gateways[0])
    members = membersIn(scene)
    await eventually(() => members.areQueuesWhole(), { timeoutMs: 2 * minutes, everyMs: 1_000 })
  })

  after(async function () {
    this.timeout(5 * minutes)
    await scene[Symbol.asyncDispose]?.()
  })

  afterEach('until all is whole again', async () => {
    for (const cluster of databases) await members.standbyOf(cluster)
    await eventually(() => members.areQueuesWhole(), { timeoutMs: 2 * minutes, everyMs: 1_000 })
    await scene.untilFinal(90_000)
  })

  it('the node that leads a queue', async () => {
    const node = await members.leaderOf('payments-consumer')
    await losing(node, withinMs.broker)
  })

  for (const cluster of databases) {
    it(`the primary of ${cluster}`, async () => {
      await losing(await members.primaryOf(cluster), withinMs.primary)
    })

    it(`the standby of ${cluster}`, async () => {
      await losing(await members.standbyOf(cluster), withinMs.primary)
    })
  }

  it('a gateway', async () => {
    const [first, second] = gateways
    clients = clientsAt(second)
    await losing('gateway', withinMs.other)
    clients = clientsAt(first)
  })

  it('each part for a moment, one after the other: a rolling restart', async () => {
    const data = databases.flatMap(membersOf)
    for (const service of [...consensus, ...data, 'postgres', ...brokers, ...processNames]) {
      for (const name of await scene.containersOf(service)) {
        await scene.project.docker('restart', '--time', '20', name)
        await scene.untilHealthy(name)
      }
      if (data.includes(service)) for (const cluster of databases) await members.standbyOf(cluster)
    }
    await saysNext('a rolling restart', withinMs.primary)
  })

  if (isWhole) {
    it('one of etcd', () => losing('etcd-1', withinMs.other))

    it('the way of a node to the others and to its clients', async () => {
      const node = await members.leaderOf('payments-consumer')
      await cutOff(node, 'broker', withinMs.primary)
    })

    it('a primary that is frozen, and whose late commits are gone', async () => {
      const primary = await members.primaryOf('orders-db')
      const name = await scene.containerOf(primary)
      await scene.pause(name)
      await saysNext(`${primary} frozen`, withinMs.primary)
      await scene.project.docker('unpause', name)
      await eventually(async () => (await members.primaryOf('orders-db')) !== primary)
    })

    it('the way of a primary to etcd, and not to its clients', async () => {
      await cutOff(await members.primaryOf('payments-db'), 'consensus', 2 * withinMs.primary)
    })
  }

  it('no order, none twice, and none is stuck', async () => {
    const { verdict, faults, deadLetters } = await scene.conclude()
    console.log(`      ${sayOrders(verdict.orders)}`)
    assert.deepEqual([...faults, ...verdict.faults, ...deadLetters], [])
    assert.equal(verdict.requestedAgain, 0)
  })

  const clientsAt = (gateway: string) =>
    new Clients(scene.history, { orders: gateway, payments: gateway })

  /** Kills a container, and starts it again when the system works without it. */
  async function losing(service: string, limitMs: number): Promise<void> {
    const name = await scene.containerOf(service)
    await scene.kill(name)
    await saysNext(`${service} killed`, limitMs)
    await scene.startAgain(name)
    await scene.untilHealthy(name)
  }

  async function cutOff(service: string, network: string, limitMs: number): Promise<void> {
    const name = await scene.containerOf(service)
    const project = name.slice(0, name.lastIndexOf(`-${service}`))
    await scene.project.docker('network', 'disconnect', `${project}_${network}`, name)
    await saysNext(`${service} cut off from ${network}`, limitMs)
    await scene.project.docker(
      'network',
      'connect',
      '--alias',
      service,
      `${project}_${network}`,
      name,
    )
  }

  /** An order of a patient client, from now until it is final. */
  async function saysNext(fault: string, limitMs: number): Promise<void> {
    const startedAt = performance.now()
    const order = await clients.placeOrder('user-5', 1n, { timeoutMs: 3_000, pauseMs: 100 })
    const path = `/orders/${order?.order_id}`
    const gateway = fault.startsWith('gateway') ? gateways[1] : gateways[0]
    await eventually(
      async () => {
        const response = await fetch(gateway + path, { signal: AbortSignal.timeout(3_000) })
        return /"(PAID|PAYMENT_FAILED)"/.test(await response.text())
      },
      { timeoutMs: 120_000, everyMs: 50 },
    )
    const tookMs = Math.round(performance.now() - startedAt)
    console.log(`      ${fault}: the next order was final after ${tookMs} ms`)
    assert.ok(tookMs <= limitMs, `${tookMs} ms, more than ${limitMs}`)
  }
})
