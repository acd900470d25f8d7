import assert from 'node:assert/strict'
import { processNames } from '#local/stack/ports.ts'
import { reconcile } from '#operator/reconcile/reconcile.ts'
import { call, insist, OrderSubscriber } from '#testing/client.ts'
import { eventually } from '#testing/eventually.ts'
import { messagesIn, unfinished, withDatabases } from '#testing/reconcile.ts'
import { useStack } from '#testing/shared-stack.ts'
import type { Stack } from '#testing/stack.ts'

const users = Array.from({ length: 50 }, (_, index) => `user-${index}`)
const ordersPerUser = 40

describe('the whole stack, two of every process, killed while it works', function () {
  this.timeout(600_000)
  const stack = useStack()

  it('ends 2,000 orders, each once, and tells every subscriber', async () => {
    const { gateway } = stack
    await Promise.all(users.map((user_id) => openAccount(gateway, user_id)))
    const subscribers = new Map(users.map((user) => [user, new OrderSubscriber(gateway)]))
    const killed = new Map<string, number>()
    const kills = killingsAt(stack, users.length * ordersPerUser, killed)

    const orders = new Map<string, string>()
    const placeAll = async (user_id: string) => {
      for (let n = 0; n < ordersPerUser; n++) {
        const { status, body } = await insist(gateway, '/orders', { user_id, amount: '1.00' })
        assert.equal(status, 201)
        orders.set(body.order_id as string, user_id)
        subscribers.get(user_id)?.follow(body.order_id as string)
        kills.get(orders.size)?.()
      }
    }
    await Promise.all(users.map(placeAll))
    assert.equal(orders.size, 2_000)
    assert.equal(killed.size, 8)
    for (const [name, pid] of killed) await eventually(() => isRunning(stack.pidOf(name), pid))

    await withDatabases(stack, async (databases) => {
      await eventually(async () => (await unfinished(databases)) === 0, { timeoutMs: 180_000 })
      assert.deepEqual(await reconcile({ databases, olderThanMs: 0 }), [])
    })
    const open = () =>
      [...subscribers.values()].reduce((sum, subscriber) => sum + subscriber.open, 0)
    await eventually(() => open() === 0, { timeoutMs: 60_000 })
    await eventually(async () => (await messagesIn(stack.rabbitmq_management, '')) === 0)
    assert.deepEqual(await statuses(gateway), { PAID: 25 * 50, PAYMENT_FAILED: 15 * 50 })
    for (const subscriber of subscribers.values()) {
      for (const told of subscriber.finals.values()) assert.equal(new Set(told).size, 1)
      subscriber.close()
    }
  })

  /** Another process than the one that was killed. */
  function isRunning(pid: number, killedPid: number): boolean {
    return pid !== killedPid && process.kill(pid, 0)
  }

  /** Each user can pay for 25 of 40 orders. */
  async function openAccount(gateway: string, user_id: string): Promise<void> {
    await insist(gateway, '/accounts', { user_id })
    await insist(gateway, `/accounts/${user_id}/topup`, { amount: '25.00' })
  }

  /** One SIGKILL for each process and both servers, spread over the placing of the orders. */
  function killingsAt({ pidOf }: Stack, orders: number, killed: Map<string, number>) {
    const victims = [...processNames, 'rabbitmq', 'postgres']
    return new Map(
      victims.map((name, index) => {
        const at = Math.floor(((index + 1) * orders) / (victims.length + 1))
        const kill = () => {
          killed.set(name, pidOf(name))
          process.kill(pidOf(name), 'SIGKILL')
        }
        return [at, kill]
      }),
    )
  }

  async function statuses(gateway: string) {
    const count: Record<string, number> = {}
    for (const user_id of users) {
      const { body } = await call(gateway, 'GET', `/orders?user_id=${user_id}&limit=100`)
      for (const { status } of body.items ?? []) {
        count[status as string] = (count[status as string] ?? 0) + 1
      }
    }
    return count
  }
})
