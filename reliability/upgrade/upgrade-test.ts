import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { type CheckedOut, checkOut } from '#testing/check-out.ts'
import { eventually } from '#testing/eventually.ts'
import { apis, consumers, newRelease, type Release, relays } from './deployment.ts'
import { openScene, type Scene } from './scene.ts'

const { previousRelease } = JSON.parse(readFileSync('package.json', 'utf8'))

/**
 * The previous release beside this one, on the same databases and broker, under load, judged from
 * outside. Not a part of `npm test`: it needs the history of the repository.
 */
describe(`the release before (${previousRelease.slice(0, 7)}) and this one`, function () {
  this.timeout(600_000)
  let tree: CheckedOut
  let oldRelease: Release

  before('get the release before', async () => {
    tree = await checkOut(previousRelease, (line) => process.stderr.write(`${line}\n`))
    oldRelease = { name: 'old', dir: tree.dir }
  })
  after(() => tree?.[Symbol.asyncDispose]())

  it('change places under load, and change back on the migrated databases: consumers first, relays last, and the other way round', async () => {
    await using scene = await openScene()
    const { deployment, load, orders } = scene
    await deployment.migrate(oldRelease)
    await deployment.start(oldRelease)
    load.start()
    await orders(20)
    await deployment.migrate(newRelease)
    await orders(20)
    for (const names of [consumers, apis, relays]) {
      await deployment.start(newRelease, names)
      await orders(20)
      await deployment.stop(oldRelease, names)
      await orders(20)
    }
    await eventually(async () => (await scene.sharedMessages()) > 0, { timeoutMs: 60_000 })

    await deployment.migrate(oldRelease) // as its start does: it finds nothing to do
    await deployment.start(oldRelease, relays)
    await deployment.stop(newRelease, relays)
    await scene.published()
    for (const names of [apis, consumers]) {
      await deployment.start(oldRelease, names)
      await orders(20)
      await deployment.stop(newRelease, names)
      await orders(20)
    }
    await assertExact(scene)
  })

  it('work side by side when the old one joins, as long as RELAY_EVENTS_PER_MESSAGE is 1', async () => {
    await using scene = await openScene()
    const { deployment, load, orders } = scene
    const alone = { RELAY_EVENTS_PER_MESSAGE: '1' }
    await deployment.migrate(newRelease)
    await deployment.start(newRelease, undefined, alone)
    load.start()
    await orders(20)
    await deployment.migrate(oldRelease)
    await deployment.start(oldRelease)
    await orders(60)
    await deployment.stop(oldRelease)
    await orders(20)
    assert.equal(await scene.sharedMessages(), 0)
    await assertExact(scene)
  })

  it('lose nothing in the wrong order: the old consumers set shared messages aside, and a redrive repairs that', async () => {
    await using scene = await openScene()
    const { deployment, load, broker, orders } = scene
    await deployment.migrate(oldRelease)
    await deployment.start(oldRelease)
    load.start()
    await orders(20)
    await deployment.migrate(newRelease)
    await deployment.start(newRelease, relays)
    await deployment.stop(oldRelease, relays)
    const letters = async () =>
      (await broker.depth('payments-consumer.dlq')) + (await broker.depth('orders-consumer.dlq'))
    await eventually(async () => (await letters()) > 0, { timeoutMs: 120_000 })
    await deployment.start(newRelease, consumers)
    await deployment.stop(oldRelease, consumers)
    const listed = await operate(scene, 'dlq', 'list', '--json')
    const reasons = JSON.parse(listed).letters.map(({ reason }: { reason: string }) => reason)
    assert.deepEqual(new Set(reasons), new Set(['not-json']))
    await operate(scene, 'dlq', 'redrive', '--all')
    await orders(20)
    await assertExact(scene)
  })
})

/** Nothing is lost, twice, stuck or set aside; and there was something to judge. */
async function assertExact(scene: Scene): Promise<void> {
  const { faults, orders, refunded } = await scene.judge()
  assert.deepEqual(faults, [])
  assert.ok(orders.ok > 20, JSON.stringify(orders))
  assert.ok(refunded > 0)
}

async function operate({ urls }: Scene, ...args: string[]): Promise<string> {
  const child = spawn(process.execPath, ['operator/main.ts', ...args], {
    env: {
      ...process.env,
      AMQP_URL: urls.broker,
      ORDERS_DATABASE_URL: urls.ordersDatabase,
      PAYMENTS_DATABASE_URL: urls.paymentsDatabase,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [out, [code]] = await Promise.all([text(child.stdout), once(child, 'close')])
  assert.equal(code, 0, out)
  return out
}
