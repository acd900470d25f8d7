import { setTimeout as delay } from 'node:timers/promises'
import { until } from '#local/supervisor/waiting.ts'
import { type Cell, underLoad } from '../cell.ts'
import { type Field, freeze, sendSignal } from '../field.ts'
import { randomOf } from '../random.ts'
import { finalOrdersOf } from '../rows.ts'
import type { Scene } from '../run.ts'

/** X14 and X17: consumers that die with their hands full, and many who want the same money. */
export const consumerCells: Cell[] = [
  {
    name: 'x14',
    title: 'a consumer killed again and again with its prefetch full: no dead letter for that',
    count: 25,
    replicas: 1,
    run: underLoad(async (field, { seed, count, progress }, scene) => {
      const { system } = field
      const random = randomOf(seed, 'x14')
      await fillQueue(field, scene, 1_000)
      for (let kill = 1; kill <= count; kill++) {
        await until(() => system.isReady('payments-consumer'), { timeoutMs: 60_000 })
        await delay(random.between(0, 200))
        const isKilled = sendSignal(system.pidOf('payments-consumer'), 'SIGKILL')
        if (isKilled) field.journal.act('kill', 'payments-consumer')
        progress(`killed ${kill} of ${count} times`)
        await until(async () => !(await system.isReady('payments-consumer')), { timeoutMs: 5_000 })
      }
      return [] // an innocent dead letter is a fault of every verdict
    }),
  },
  {
    name: 'x17',
    title: '64 clients spend one account that can pay for exactly half',
    count: 1_280,
    run: underLoad(async ({ system, journal }, { count }, { clients }) => {
      const payable = Math.floor(count / 2)
      await clients.openAccount('hot')
      await clients.topUp('hot', BigInt(payable * 100))
      const worker = async () => {
        for (let placed = 0; placed < count / 64; placed++) await clients.placeOrder('hot', 100n)
      }
      const placed = 64 * Math.ceil(count / 64)
      journal.act('orders of 64 clients at once', 'one account', placed)
      await Promise.all(Array.from({ length: 64 }, worker))
      const counts = () => finalOrdersOf(system.databases.orders, 'hot')
      await journal.within(60_000, 'orders of the account final', (timeoutMs) =>
        until(async () => (await counts()).all === placed, { timeoutMs }),
      )
      const { all, paid } = await counts()
      if (all === placed && paid === payable) return []
      return [`${paid} of ${all} orders are paid, there was money for ${payable} of ${placed}`]
    }),
  },
]

/** The consumer is frozen until so many orders wait for it. */
async function fillQueue(field: Field, { clients }: Scene, count: number): Promise<void> {
  const goOn = freeze(field, ['payments-consumer'])
  const worker = async () => {
    for (let placed = 0; placed < count / 50; placed++) await clients.placeOrder('user-5', 1n)
  }
  await Promise.all(Array.from({ length: 50 }, worker))
  goOn()
}
