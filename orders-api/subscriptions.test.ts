import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { Order } from '#contracts/orders-http.ts'
import { Subscriptions } from './subscriptions.ts'

const time = '2026-01-01T00:00:00.000Z'
const order = (changes: Partial<Order> = {}): Order => ({
  ...{ order_id: 'order', user_id: 'alice', amount: '12.50', status: 'PAYMENT_PENDING' },
  ...{ created_at: time, updated_at: time },
  ...changes,
})
const paid = order({ status: 'PAID' })

describe('Subscriptions', () => {
  it('tells a watcher of an order its state once, and its final state once', () => {
    const subscriptions = new Subscriptions<string>(10)
    subscriptions.subscribeOrder('ann', 'order')
    assert.equal(subscriptions.isNewsTo('ann', order()), true)
    assert.deepEqual(subscriptions.receiversOf(order()), [])
    assert.deepEqual(subscriptions.receiversOf(paid), ['ann'])
    assert.deepEqual(subscriptions.receiversOf(paid), [])
  })

  it('tells nobody else', () => {
    const subscriptions = new Subscriptions<string>(10)
    subscriptions.subscribeOrder('ann', 'another order')
    subscriptions.subscribeUser('bob', 'another user')
    assert.deepEqual(subscriptions.receiversOf(paid), [])
    assert.equal(subscriptions.isNewsTo('ann', paid), false)
    assert.equal(subscriptions.isNewsTo('nobody', paid), false)
  })

  it('tells who watches the order and its user only once', () => {
    const subscriptions = new Subscriptions<string>(10)
    subscriptions.subscribeUser('ann', 'alice')
    subscriptions.subscribeOrder('ann', 'order')
    assert.deepEqual(subscriptions.receiversOf(paid), ['ann'])
    assert.deepEqual(subscriptions.receiversOf(paid), [])
  })

  it('sends no pending state after the final one, however late it was read', () => {
    for (const follow of ['subscribeOrder', 'subscribeUser'] as const) {
      const subscriptions = new Subscriptions<string>(10)
      subscriptions[follow]('ann', follow === 'subscribeOrder' ? 'order' : 'alice')
      assert.deepEqual(subscriptions.receiversOf(paid), ['ann'])
      assert.equal(subscriptions.isNewsTo('ann', order()), false)
    }
  })

  it('sends the final state again to who asks for the order again', () => {
    const subscriptions = new Subscriptions<string>(10)
    subscriptions.subscribeOrder('ann', 'order')
    subscriptions.receiversOf(paid)
    subscriptions.subscribeOrder('ann', 'order')
    assert.equal(subscriptions.isNewsTo('ann', paid), true)
  })

  it('sends the pending state again to who asks for the order again', () => {
    const subscriptions = new Subscriptions<string>(1)
    subscriptions.subscribeOrder('ann', 'order')
    subscriptions.isNewsTo('ann', order())
    assert.equal(subscriptions.subscribeOrder('ann', 'order'), 'ok')
    assert.equal(subscriptions.isNewsTo('ann', order()), true)
  })

  it('tells who watches a user the end of what was pending, however long ago it was written', () => {
    const subscriptions = new Subscriptions<string>(10)
    subscriptions.subscribeUser('ann', 'alice')
    subscriptions.setUserSince('ann', 'alice', Date.parse(time) + 5_000)
    assert.equal(subscriptions.isNewsTo('ann', order()), true)
    assert.deepEqual(subscriptions.receiversOf(paid), ['ann'])
    assert.deepEqual(subscriptions.receiversOf(paid), [])
  })

  it('forgets what was pending when no end can come any more that is timed before the subscription', () => {
    const subscriptions = new Subscriptions<string>(10)
    const endedAt = (second: number) => ({
      ...{ ...paid, order_id: `order ${second}` },
      updated_at: new Date(Date.parse(time) + second * 1_000).toISOString(),
    })
    subscriptions.subscribeUser('ann', 'alice')
    subscriptions.setUserSince('ann', 'alice', Date.parse(time) + 5_000)
    for (const second of [0, 1])
      subscriptions.isNewsTo('ann', order({ order_id: `order ${second}` }))
    subscriptions.receiversOf(endedAt(25))
    subscriptions.forgetTold(20_000)
    assert.deepEqual(subscriptions.receiversOf(endedAt(0)), ['ann'])
    subscriptions.receiversOf(endedAt(26))
    subscriptions.forgetTold(20_000)
    assert.deepEqual(subscriptions.receiversOf(endedAt(1)), [])
  })

  it('tells the end of all that was pending, also when that is too much to remember', () => {
    const subscriptions = new Subscriptions<string>(10)
    subscriptions.subscribeUser('ann', 'alice')
    subscriptions.setUserSince('ann', 'alice', Date.parse(time) + 5_000)
    const ids = Array.from({ length: 10_001 }, (_, number) => `order ${number}`)
    for (const order_id of ids) subscriptions.isNewsTo('ann', order({ order_id }))
    for (const order_id of ids) {
      assert.deepEqual(subscriptions.receiversOf({ ...paid, order_id }), ['ann'])
    }
  })

  it('forgets nothing when the user is asked for again', () => {
    const subscriptions = new Subscriptions<string>(10)
    subscriptions.subscribeUser('ann', 'alice')
    subscriptions.setUserSince('ann', 'alice', Date.parse(time))
    subscriptions.subscribeUser('ann', 'alice')
    subscriptions.setUserSince('ann', 'alice', Date.parse(time) + 5_000)
    assert.deepEqual(subscriptions.receiversOf(paid), ['ann'])
  })

  it('goes on telling who watches a user, order after order', () => {
    const subscriptions = new Subscriptions<string>(10)
    subscriptions.subscribeUser('ann', 'alice')
    for (let count = 0; count < 5_000; count++) {
      const next = { ...paid, order_id: `order ${count}` }
      assert.deepEqual(subscriptions.receiversOf(next), ['ann'])
      assert.deepEqual(subscriptions.receiversOf(next), [])
    }
    assert.deepEqual(subscriptions.userIds(), ['alice'])
  })

  describe('what was told', () => {
    const dayMs = 86_400_000
    const endedAt = (second: number) => ({
      ...paid,
      order_id: `order ${second}`,
      updated_at: new Date(Date.parse(time) + second * 1_000).toISOString(),
    })
    /** As in a running system something may be forgotten before each. */
    const tellAt = (subscriptions: Subscriptions<string>, second: number) => {
      subscriptions.forgetTold(dayMs)
      subscriptions.receiversOf(endedAt(second))
    }
    const toldEachSecond = (seconds: number) => {
      const subscriptions = new Subscriptions<string>(10)
      subscriptions.subscribeUser('ann', 'alice')
      for (let second = 0; second < seconds; second++) tellAt(subscriptions, second)
      return subscriptions
    }
    const isForgotten = (subscriptions: Subscriptions<string>, second: number) =>
      subscriptions.receiversOf(endedAt(second)).length > 0

    it('is forgotten when it ended long before the latest', () => {
      const subscriptions = toldEachSecond(100)
      assert.equal(isForgotten(subscriptions, 0), false)
      subscriptions.forgetTold(30_000)
      assert.equal(isForgotten(subscriptions, 69), false)
      assert.equal(isForgotten(subscriptions, 68), true)
      assert.equal(isForgotten(subscriptions, 0), true)
    })

    it('is remembered of the last few orders, however long ago they ended', () => {
      const subscriptions = toldEachSecond(20)
      subscriptions.forgetTold(1_000)
      assert.equal(isForgotten(subscriptions, 0), false)
    })

    it('is remembered while something is read again that was missed', () => {
      const subscriptions = toldEachSecond(100)
      const [first, second] = [subscriptions.holdTold(), subscriptions.holdTold()]
      first()
      subscriptions.forgetTold(30_000)
      assert.equal(isForgotten(subscriptions, 0), false)
      second()
      subscriptions.forgetTold(30_000)
      assert.equal(isForgotten(subscriptions, 0), true)
    })

    it('is remembered again when the clock was ahead for a while', () => {
      const subscriptions = toldEachSecond(100)
      tellAt(subscriptions, 10_000)
      subscriptions.forgetTold(30_000) // all but a few are gone
      for (let second = 100; second < 200; second++) tellAt(subscriptions, second)
      subscriptions.forgetTold(30_000)
      assert.equal(isForgotten(subscriptions, 169), false)
      assert.equal(isForgotten(subscriptions, 168), true)
    })

    it('is forgotten, the first first, when it is far too much to remember', () => {
      const subscriptions = new Subscriptions<string>(10)
      subscriptions.subscribeUser('ann', 'alice')
      for (let second = 0; second < 10_001; second++) subscriptions.receiversOf(endedAt(second))
      assert.equal(isForgotten(subscriptions, 1_000), false)
      assert.equal(isForgotten(subscriptions, 999), true)
      assert.equal(isForgotten(subscriptions, 0), true)
    })
  })

  describe('limit', () => {
    it('counts the orders and users of one connection together, each once', () => {
      const subscriptions = new Subscriptions<string>(2)
      assert.equal(subscriptions.subscribeOrder('ann', 'order'), 'ok')
      assert.equal(subscriptions.subscribeOrder('ann', 'order'), 'ok')
      assert.equal(subscriptions.subscribeUser('ann', 'alice'), 'ok')
      assert.equal(subscriptions.subscribeUser('ann', 'alice'), 'ok')
      assert.equal(subscriptions.subscribeOrder('ann', 'one more'), 'too-many')
      assert.equal(subscriptions.subscribeUser('ann', 'bob'), 'too-many')
      assert.equal(subscriptions.subscribeOrder('ben', 'one more'), 'ok')
      assert.deepEqual(subscriptions.wanted(['one more']), ['one more'])
    })

    it('has room again when an order has become final or is not watched any more', () => {
      const subscriptions = new Subscriptions<string>(1)
      subscriptions.subscribeOrder('ann', 'order')
      subscriptions.receiversOf(paid)
      assert.equal(subscriptions.subscribeOrder('ann', 'second'), 'ok')
      subscriptions.unsubscribeOrder('ann', 'second')
      assert.equal(subscriptions.subscribeUser('ann', 'alice'), 'ok')
      subscriptions.unsubscribeUser('ann', 'alice')
      assert.equal(subscriptions.subscribeOrder('ann', 'third'), 'ok')
    })
  })

  describe('wanted', () => {
    it('is what is watched; with a watched user, any order may be theirs', () => {
      const subscriptions = new Subscriptions<string>(10)
      subscriptions.subscribeOrder('ann', 'order')
      assert.deepEqual(subscriptions.wanted(['order', 'other']), ['order'])
      subscriptions.subscribeUser('ben', 'alice')
      assert.deepEqual(subscriptions.wanted(['order', 'other']), ['order', 'other'])
    })
  })

  describe('with reads and notifications in any interleaving', () => {
    const orders = ['o1', 'o2', 'o3', 'o4']
    const ownerOf = (id: string) => (id < 'o3' ? 'alice' : 'bob')
    const watchers = ['ann', 'ben']
    type Action =
      | { kind: 'followOrder'; watcher: string; id: string }
      | { kind: 'followUser'; watcher: string; id: string }
      | { kind: 'settle'; id: string }
      | { kind: 'advance'; task: number }

    const watcher = fc.constantFrom(...watchers)
    const id = fc.constantFrom(...orders)
    const action: fc.Arbitrary<Action> = fc.oneof(
      fc.record({ kind: fc.constant('followOrder' as const), watcher, id }),
      fc.record({
        kind: fc.constant('followUser' as const),
        watcher,
        id: fc.constantFrom('alice', 'bob'),
      }),
      fc.record({ kind: fc.constant('settle' as const), id }),
      {
        weight: 4,
        arbitrary: fc.record({ kind: fc.constant('advance' as const), task: fc.nat() }),
      },
    )

    /** The feed as the database and the network would let it run: reads take time, and overtake. */
    class World {
      readonly subscriptions = new Subscriptions<string>(100)
      readonly final = new Set<string>()
      readonly followed = new Map<string, number>()
      readonly settledAt = new Map<string, number>()
      readonly sent: { watcher: string; order: Order }[] = []
      /** What goes on: first a read, then what is done with it. */
      readonly tasks: { read: () => Order[]; deliver: (rows: Order[]) => void; rows?: Order[] }[] =
        []
      #clock = 0

      #read(ids: string[]): Order[] {
        return ids.map((order_id) =>
          order({
            order_id,
            user_id: ownerOf(order_id),
            status: this.final.has(order_id) ? 'PAID' : 'PAYMENT_PENDING',
          }),
        )
      }

      #snapshot(watcher: string) {
        return (rows: Order[]) => {
          for (const order of rows) {
            if (this.subscriptions.isNewsTo(watcher, order)) this.sent.push({ watcher, order })
          }
        }
      }

      do(action: Action): void {
        this.#clock++
        switch (action.kind) {
          case 'followOrder':
          case 'followUser': {
            const { kind, watcher, id } = action
            const name = `${watcher} ${id}`
            if (this.followed.has(name)) return
            this.followed.set(name, this.#clock)
            if (kind === 'followOrder') this.subscriptions.subscribeOrder(watcher, id)
            else this.subscriptions.subscribeUser(watcher, id)
            const ids = () =>
              kind === 'followOrder' ? [id] : orders.filter((o) => ownerOf(o) === id)
            const rows = () =>
              this.#read(ids()).filter((o) => kind === 'followOrder' || o.status !== 'PAID')
            this.tasks.push({ read: rows, deliver: this.#snapshot(watcher) })
            return
          }
          case 'settle':
            if (this.final.has(action.id)) return
            this.final.add(action.id)
            this.settledAt.set(action.id, this.#clock)
            if (this.subscriptions.wanted([action.id]).length === 0) return
            this.tasks.push({
              read: () => this.#read([action.id]),
              deliver: (rows) => {
                for (const order of rows) {
                  for (const watcher of this.subscriptions.receiversOf(order)) {
                    this.sent.push({ watcher, order })
                  }
                }
              },
            })
            return
          case 'advance':
            this.#advance(action.task)
        }
      }

      #advance(task: number): void {
        const index = task % this.tasks.length
        const found = this.tasks[index]
        if (!found) return
        if (found.rows) {
          found.deliver(found.rows)
          this.tasks.splice(index, 1)
        } else found.rows = found.read()
      }

      end(): void {
        for (const id of orders) this.do({ kind: 'settle', id })
        while (this.tasks.length > 0) this.#advance(0)
      }

      /** The states that a watcher was sent of an order. */
      story(watcher: string, id: string): string[] {
        return this.sent
          .filter((sent) => sent.watcher === watcher && sent.order.order_id === id)
          .map((sent) => sent.order.status)
      }
    }

    it('each watcher gets the final state once, and nothing after it', () => {
      fc.assert(
        fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
          const world = new World()
          for (const each of actions) world.do(each)
          world.end()
          for (const watcher of watchers) {
            for (const id of orders) {
              const byOrder = world.followed.get(`${watcher} ${id}`)
              const byUser = world.followed.get(`${watcher} ${ownerOf(id)}`)
              const story = world.story(watcher, id)
              const finals = story.filter((status) => status === 'PAID').length
              const inTime = byUser !== undefined && byUser < Number(world.settledAt.get(id))
              if (byOrder !== undefined || inTime) assert.ok(finals >= 1, `${watcher} ${id}: none`)
              if (byOrder === undefined && byUser === undefined) assert.deepEqual(story, [])
              if (byOrder !== undefined && byUser !== undefined) assert.ok(finals <= 2)
              else {
                assert.ok(finals <= 1, `${watcher} ${id}: ${story}`)
                assert.ok(finals === 0 || story.at(-1) === 'PAID', `${watcher} ${id}: ${story}`)
              }
            }
          }
          assert.deepEqual(world.subscriptions.orderIds(), [])
        }),
        { numRuns: 500 },
      )
    })

    it('nothing is left of a connection that is gone', () => {
      fc.assert(
        fc.property(fc.array(action, { maxLength: 40 }), (actions) => {
          const world = new World()
          for (const each of actions) world.do(each)
          for (const watcher of watchers) world.subscriptions.remove(watcher)
          const told = world.sent.length
          world.end()
          assert.equal(world.sent.length, told)
          assert.deepEqual(world.subscriptions.orderIds(), [])
          assert.deepEqual(world.subscriptions.userIds(), [])
          assert.deepEqual(world.subscriptions.wanted(orders), [])
        }),
      )
    })
  })
})
