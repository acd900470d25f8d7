import assert from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'
import { queues as topology } from '#contracts/topology.ts'
import { unexpectedAnswers } from '#reliability/chaos/cells/rolling.ts'
import { Clients } from '#reliability/judge/clients.ts'
import { sayOrders } from '#reliability/judge/verdict.ts'
import { eventually } from '#testing/eventually.ts'
import { type Scene, setScene } from './scene.ts'

const minutes = 60_000
const workers = ['orders-relay', 'orders-consumer', 'payments-relay', 'payments-consumer']
const everyone = ['orders-api', 'payments-api', ...workers]
const queues = Object.values(topology).map(({ queue }) => queue)

/**
 * How long the orders of a moment may be on their way: a start, and the timeout of a payment
 * request.
 */
const withinMs = 90_000

/**
 * Cells of the failure catalogue as `npm run chaos -- --only` has them, in containers and on the
 * broker that they bring. One load goes on through all of a scene; the verdict is its last test.
 */
describe('the cells in containers, with no retry of payment requests', function () {
  this.timeout(10 * minutes)
  const scene = useScene({ paymentRequestTimeoutMs: 0 })

  it('x3: SIGKILL, one container after the other', async () => {
    for (const service of [...everyone, ...workers, ...workers, ...workers]) {
      const victim = await scene.containerOf(service)
      await scene.kill(victim)
      await scene.startAgain(victim)
      await scene.untilFinal(withinMs)
    }
  })

  it('x5: the broker killed', async () => {
    for (let kill = 0; kill < 3; kill++) {
      const broker = await scene.containerOf('rabbitmq')
      await scene.kill(broker)
      await scene.startAgain(broker)
      await scene.untilFinal(withinMs)
    }
  })

  it('x14: a consumer killed 25 times with its prefetch full, and no dead letter for that', async () => {
    const [consumer, ...others] = await scene.containersOf('payments-consumer')
    assert.ok(consumer)
    for (const other of others) await scene.project.docker('stop', other)
    await scene.pause(consumer)
    await burst(1_000)
    await scene.project.docker('unpause', consumer)
    for (let kill = 1; kill <= 25; kill++) {
      await delay(kill * 100) // from before it consumes to amid its work
      await scene.kill(consumer)
      await scene.startAgain(consumer)
    }
    for (const other of others) await scene.startAgain(other)
    await scene.untilFinal(3 * minutes)
  })

  it('x16: every container restarted in order, workers from two to four and back', async () => {
    for (const service of everyone) {
      for (const name of await scene.containersOf(service)) {
        await scene.project.docker('restart', '--time', '15', name)
        await scene.untilHealthy(name)
      }
    }
    for (const count of [4, 2]) await scene.scale(workers, count)
    await scene.untilFinal(withinMs)
    const log = await scene.project.compose('logs', '--no-color', '--no-log-prefix', 'gateway')
    assert.deepEqual(unexpectedAnswers(log), [])
  })

  itLeavesAllWell(scene, { isRequestedAgain: false })

  /** So many orders at once, so that the queue is full. */
  async function burst(count: number): Promise<void> {
    const doors = { orders: scene.project.gateway, payments: scene.project.gateway }
    const clients = new Clients(scene.history, doors)
    const worker = async () => {
      for (let placed = 0; placed < count / 50; placed++) await clients.placeOrder('user-5', 1n)
    }
    await Promise.all(Array.from({ length: 50 }, worker))
    await eventually(async () => (await scene.depth('payments-consumer')) >= count / 2)
  }
})

describe('the cells in containers that lose what the broker had', function () {
  this.timeout(10 * minutes)
  const scene = useScene({ paymentRequestTimeoutMs: 30_000 })

  it('x6: the broker wiped; each queue deleted, purged, unbound', async () => {
    await whileOrdersWait('payments-consumer', () => scene.wipeBroker())
    for (const queue of queues) {
      await whileOrdersWait(queue, () => scene.harmQueue(queue, 'delete'))
      await whileOrdersWait(queue, () => scene.harmQueue(queue, 'purge'))
      await scene.harmQueue(queue, 'unbind')
      await scene.untilFinal(withinMs)
    }
  })

  /** What empties a queue while its readers are away takes these orders with it. */
  async function whileOrdersWait(queue: string, lose: () => Promise<void>): Promise<void> {
    const readers = await scene.containersOf(queue)
    for (const reader of readers) await scene.project.docker('stop', reader)
    await eventually(async () => (await scene.depth(queue)) >= 40, { timeoutMs: 60_000 })
    await lose()
    for (const reader of readers) await scene.startAgain(reader)
    await scene.untilFinal(withinMs)
  }

  itLeavesAllWell(scene, { isRequestedAgain: true })
})

/** A scene from before the first test of a `describe` until after its last. */
function useScene({ paymentRequestTimeoutMs }: { paymentRequestTimeoutMs: number }): Scene {
  const scene = {} as Scene

  before(async function () {
    this.timeout(15 * minutes)
    const set = await setScene({
      paymentRequestTimeoutMs,
      replicas: 2,
      ordersPerSecond: 15,
      users: 30,
    })
    Object.assign(scene, set)
  })

  after(async function () {
    this.timeout(3 * minutes)
    await scene[Symbol.asyncDispose]?.()
  })
  return scene
}

function itLeavesAllWell(scene: Scene, { isRequestedAgain }: { isRequestedAgain: boolean }): void {
  it('leave every order ended once, and databases that agree', async () => {
    const { verdict, faults, deadLetters } = await scene.conclude()
    console.log(`      ${sayOrders(verdict.orders)}; requested again: ${verdict.requestedAgain}`)
    assert.deepEqual([...faults, ...verdict.faults], [])
    assert.deepEqual(deadLetters, [])
    assert.equal(verdict.requestedAgain > 0, isRequestedAgain)
  })
}
