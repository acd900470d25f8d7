import type { ProcessName } from '#local/stack/ports.ts'
import { accounts, chargeCount, chargeRate } from './charge.ts'
import { alternate, type Bench, type Figure, type Measurement } from './measurement.ts'
import { Outbox } from './outbox.ts'
import { PaymentsFixture } from './payments-fixture.ts'
import { startProcess } from './processes.ts'
import { openQueue } from './queue.ts'
import { drainRate, relayCount } from './relay.ts'

/**
 * Two relays, and two consumers, against one of each: started for every round and warmed with a
 * tenth of it. `drainRate` fails when an event was published twice.
 */
export const replicas: Measurement = {
  name: 'replicas',
  run: async (bench: Bench): Promise<Figure[]> => {
    await using queue = await openQueue(bench.servers.brokerUrl)
    await using outbox = await Outbox.connect(bench.servers.ordersUrl)
    await using payments = new PaymentsFixture(bench.servers.paymentsUrl)

    const relays = (replicas: number) => async () => {
      await outbox.empty()
      await using _relays = await startReplicas(bench, 'orders-relay', replicas)
      await drainRate(outbox, queue, relayCount(bench) / 10)
      return await drainRate(outbox, queue, relayCount(bench))
    }
    const consumers = (replicas: number) => async () => {
      await payments.open(accounts)
      await using running = await startReplicas(bench, 'payments-consumer', replicas)
      await chargeRate(running.all, queue, payments, { count: chargeCount(bench) / 10, accounts })
      payments.begin()
      return await chargeRate(running.all, queue, payments, { count: chargeCount(bench), accounts })
    }
    const names = { relays: 'replicas, relay', consumers: 'replicas, consumer' }
    const drained = { two: relays(2), one: relays(1) }
    const charged = { two: consumers(2), one: consumers(1) }
    return [
      figure(names.relays, await alternate(bench, names.relays, drained)),
      figure(names.consumers, await alternate(bench, names.consumers, charged)),
    ]
  },
}

const figure = (name: string, { two, one }: Record<'two' | 'one', number[]>): Figure => ({
  name,
  unit: 'events/s',
  values: two,
  against: 'one instead of two',
  limits: one,
  target: { ratioAtLeast: 1 },
})

async function startReplicas(bench: Bench, name: ProcessName, replicas: number) {
  const starting = Array.from({ length: replicas }, () => startProcess(name, bench))
  const all = await Promise.all(starting)
  return {
    all,
    [Symbol.asyncDispose]: async () => {
      await Promise.all(all.map((process) => process[Symbol.asyncDispose]()))
    },
  }
}
