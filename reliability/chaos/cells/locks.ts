import { pause, until } from '#local/supervisor/waiting.ts'
import { type Cell, finalWithin, underLoad } from '../cell.ts'
import { type Field, freeze } from '../field.ts'
import { inject } from '../inject.ts'
import { locker } from '../locks.ts'
import { countedAttempts, finalOrdersOf, hasLocked, pendingBefore, waitsOf } from '../rows.ts'
import type { Scene } from '../run.ts'

const lockedMs = 30_000
/** What nobody has locked is final as fast as ever. */
const othersMaxMs = 1_000
/** And what was locked, when it is free again. */
const freeWithinMs = 10_000

const ordersOfLocked = 900
const atOnce = 50
const userId = 'locked'

/** Orders before and after the locked one whose answers come with its own. */
const neighbours = 20

/** A row that somebody holds keeps nobody waiting who does not need it. */
export const lockCells: Cell[] = [
  {
    name: 'locked-account',
    title: `the row of an account locked for 30 s, with ${ordersOfLocked} orders of it; the others go on`,
    count: 2,
    run: underLoad(async (field, { count, progress }, scene) => {
      await scene.clients.openAccount(userId)
      await scene.clients.topUp(userId, BigInt(count * ordersOfLocked))
      const faults: string[] = []
      for (let round = 1; round <= count; round++) {
        progress(`an account locked, ${round} of ${count}`)
        faults.push(...(await lockedAccount(field, scene)))
      }
      return faults
    }),
  },
  {
    name: 'locked-order',
    title: 'the row of an order locked for 30 s, its answer in a batch with others, which go on',
    count: 3,
    run: underLoad(async (field, { count, progress }) => {
      const faults: string[] = []
      for (let round = 1; round <= count; round++) {
        progress(`an order locked, ${round} of ${count}`)
        faults.push(...(await lockedOrder(field)))
      }
      return faults
    }),
  },
]

async function lockedAccount(field: Field, { clients }: Scene): Promise<string[]> {
  const { system, journal } = field
  const { orders, payments } = system.databases
  const finals = async () => (await finalOrdersOf(orders, userId)).all
  const finalBefore = await finals()
  const locking = inject({ kind: 'lock account', userId, forMs: lockedMs }, field)
  await until(() => hasLocked(payments, locker, 'accounts'), { timeoutMs: 5_000 })
  const worker = async () => {
    for (let placed = 0; placed < ordersOfLocked / atOnce; placed++) {
      await clients.placeOrder(userId, 1n)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
  const fromMs = Date.now()
  const wait = ordersOfLocked - ((await finals()) - finalBefore)
  const what = 'orders that wait for the lock, when all are placed'
  journal.measure({ what, value: wait, limit: ordersOfLocked, unit: 'orders', isLeast: true })
  const attempts = await mostAttempts(field, locking)
  const waits = await waitsOf(orders, fromMs, Date.now() - othersMaxMs)
  const others = waits.filter((one) => one.userId !== userId).map(({ ms }) => ms)
  return [
    ...(wait === ordersOfLocked
      ? []
      : [`${ordersOfLocked - wait} orders did not wait for the lock`]),
    ...othersAsEver(field, others, attempts),
    ...(await freeAgain(field, 'an account')),
  ]
}

async function lockedOrder(field: Field): Promise<string[]> {
  const { orders } = field.system.databases
  const goOn = freeze(field, ['orders-consumer', 'orders-consumer.2'])
  const untilPending = (count: number) =>
    until(async () => (await pendingBefore(orders, Date.now())) >= count, { timeoutMs: 10_000 })
  await untilPending(neighbours)
  const locking = inject({ kind: 'lock order', forMs: lockedMs }, field)
  await until(() => hasLocked(orders, locker, 'orders'), { timeoutMs: 5_000 })
  await untilPending(2 * neighbours) // so its answer is there by now, and others after it
  const fromMs = Date.now()
  goOn()
  const attempts = await mostAttempts(field, locking)
  const waits = await waitsOf(orders, fromMs, Date.now() - othersMaxMs)
  const [locked = 0, ...others] = waits.map(({ ms }) => ms).toSorted((a, b) => b - a)
  return [
    ...(locked > lockedMs / 2 ? [] : ['no order waited for the lock']),
    ...othersAsEver(field, others, attempts),
    ...(await freeAgain(field, 'an order')),
  ]
}

/** The most that were counted at any time until the lock has ended. */
async function mostAttempts({ system }: Field, locking: Promise<void>): Promise<number> {
  const { orders, payments } = system.databases
  const over = new AbortController()
  void locking.finally(() => over.abort())
  let most = 0
  while (!over.signal.aborted) {
    most = Math.max(most, (await countedAttempts(orders)) + (await countedAttempts(payments)))
    await pause(200, over.signal)
  }
  return most
}

function othersAsEver({ journal }: Field, waitsMs: number[], attempts: number): string[] {
  const value = Math.max(0, ...waitsMs)
  const what = 'an order whose rows are free, beside a locked one'
  journal.measure({ what, value, limit: othersMaxMs, unit: 'ms' })
  return [
    ...(waitsMs.length > 0 ? [] : ['there were no other orders']),
    ...(value <= othersMaxMs
      ? []
      : [`another order took ${value.toFixed(0)} ms beside the locked`]),
    ...(attempts === 0
      ? []
      : [`waiting for a lock was counted as an attempt of ${attempts} events`]),
  ]
}

async function freeAgain(field: Field, what: string): Promise<string[]> {
  const isOver = await finalWithin(field, freeWithinMs, `${what} was free again`)
  if (isOver) return []
  await finalWithin(field, 120_000, `${what} was free again, at last`)
  return [`orders are pending ${freeWithinMs} ms after ${what} was free again`]
}
