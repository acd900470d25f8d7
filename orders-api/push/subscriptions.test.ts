import assert from 'node:assert/strict'
import fc from 'fast-check'
import { isPending } from '#contracts/order-states.ts'
import type { Order } from '#contracts/orders-http.ts'
import type { Target } from './subscriber.ts'
import { Subscriptions } from './subscriptions.ts'

const time = '2026-01-01T00:00:00.000Z'
const order = (changes: Partial<Order> = {}): Order => ({
  ...{ order_id: 'order', user_id: 'alice', amount: '12.50', status: 'PAYMENT_PENDING' },
  ...{ created_at: time, updated_at: time },
  ...changes,
})
const toOrder = (id: string): Target => ({ kind: 'order', id })
const toUser = (id: string): Target => ({ kind: 'user', id })
const paid = order({ status: 'PAID' })

/** Subscribers who may see every order. */
const subscriptionsOf = (limit: number) => new Subscriptions<string>(limit, () => true)

describe('Subscriptions', () => {
  it('delivers to a subscriber of an order its state once, and its final state once', () => {
    const subscriptions = subscriptionsOf(10)
    subscriptions.subscribe('ann', toOrder('order'))
    assert.equal(subscriptions.deliverTo('ann', order()), true)
    assert.deepEqual(subscriptions.deliver(order()), [])
    assert.deepEqual(subscriptions.deliver(paid), ['ann'])
    assert.deepEqual(subscriptions.deliver(paid), [])
  })

  it('delivers to nobody else', () => {
    const subscriptions = subscriptionsOf(10)
    subscriptions.subscribe('ann', toOrder('another order'))
    subscriptions.subscribe('bob', toUser('another user'))
    assert.deepEqual(subscriptions.deliver(paid), [])
    assert.equal(subscriptions.deliverTo('ann', paid), false)
    assert.equal(subscriptions.deliverTo('nobody', paid), false)
  })

  it('delivers no order of a user to who may not see it, and keeps that subscription', () => {
    const maySee = (subscriber: string, userId: string) => subscriber === userId
    const subscriptions = new Subscriptions<string>(10, maySee)
    for (const subscriber of ['alice', 'bob']) {
      subscriptions.subscribe(subscriber, toOrder('order'))
      subscriptions.subscribe(subscriber, toUser('alice'))
    }
    assert.equal(subscriptions.deliverTo('bob', order()), false)
    assert.deepEqual(subscriptions.deliver(paid), ['alice'])
    assert.deepEqual(subscriptions.orderIds(), ['order'])
  })

  it('delivers once to a subscriber of both the order and its user', () => {
    const subscriptions = subscriptionsOf(10)
    subscriptions.subscribe('ann', toUser('alice'))
    subscriptions.subscribe('ann', toOrder('order'))
    assert.deepEqual(subscriptions.deliver(paid), ['ann'])
    assert.deepEqual(subscriptions.deliver(paid), [])
  })

  it('delivers no pending state after the final one, however late it was read', () => {
    for (const target of [toOrder('order'), toUser('alice')]) {
      const subscriptions = subscriptionsOf(10)
      subscriptions.subscribe('ann', target)
      assert.deepEqual(subscriptions.deliver(paid), ['ann'])
      assert.equal(subscriptions.deliverTo('ann', order()), false)
    }
  })

  const refunding = order({ status: 'REFUND_PENDING', updated_at: '2026-01-01T00:00:01.000Z' })
  const refunded = order({ status: 'REFUNDED', updated_at: '2026-01-01T00:00:02.000Z' })

  it('delivers to a subscriber of a user each change of a refund, once, in its order', () => {
    const subscriptions = subscriptionsOf(10)
    subscriptions.subscribe('ann', toUser('alice'))
    const late = [paid, refunding, paid, refunded, refunding, paid, refunded]
    const pushed = late.filter((state) => subscriptions.deliver(state).length > 0)
    assert.deepEqual(pushed, [paid, refunding, refunded])
    const paidAgain = order({ status: 'PAID', updated_at: '2026-01-01T00:00:03.000Z' })
    assert.deepEqual(subscriptions.deliver(paidAgain), ['ann'])
  })

  it('does not end the subscription of an order by what was read before it', () => {
    const subscriptions = subscriptionsOf(10)
    const readAt = subscriptions.sequence
    subscriptions.subscribe('ann', toOrder('order'))
    assert.deepEqual(subscriptions.deliver(paid, readAt), [])
    assert.equal(subscriptions.deliverTo('ann', refunding), true)
    assert.deepEqual(subscriptions.deliver(refunded), ['ann'])
    assert.deepEqual(subscriptions.orderIds(), [])
  })

  it('delivers the final state again to a subscriber that subscribes to the order again', () => {
    const subscriptions = subscriptionsOf(10)
    subscriptions.subscribe('ann', toOrder('order'))
    subscriptions.deliver(paid)
    subscriptions.subscribe('ann', toOrder('order'))
    assert.equal(subscriptions.deliverTo('ann', paid), true)
  })

  it('delivers the pending state again to a subscriber that subscribes to the order again', () => {
    const subscriptions = subscriptionsOf(1)
    subscriptions.subscribe('ann', toOrder('order'))
    subscriptions.deliverTo('ann', order())
    assert.equal(subscriptions.subscribe('ann', toOrder('order')), 'ok')
    assert.equal(subscriptions.deliverTo('ann', order()), true)
  })

  it('delivers to a subscriber of a user the end of what was pending, however long ago it was written', () => {
    const subscriptions = subscriptionsOf(10)
    subscriptions.subscribe('ann', toUser('alice'))
    subscriptions.setUserSince('ann', 'alice', Date.parse(time) + 5_000)
    assert.equal(subscriptions.deliverTo('ann', order()), true)
    assert.deepEqual(subscriptions.deliver(paid), ['ann'])
    assert.deepEqual(subscriptions.deliver(paid), [])
  })

  it('forgets what was pending when no end can come any more that is timed before the subscription', () => {
    const subscriptions = subscriptionsOf(10)
    const endedAt = (second: number) => ({
      ...{ ...paid, order_id: `order ${second}` },
      updated_at: new Date(Date.parse(time) + second * 1_000).toISOString(),
    })
    subscriptions.subscribe('ann', toUser('alice'))
    subscriptions.setUserSince('ann', 'alice', Date.parse(time) + 5_000)
    for (const second of [0, 1])
      subscriptions.deliverTo('ann', order({ order_id: `order ${second}` }))
    subscriptions.deliver(endedAt(25))
    subscriptions.expireDelivered(20_000)
    assert.deepEqual(subscriptions.deliver(endedAt(0)), ['ann'])
    subscriptions.deliver(endedAt(26))
    subscriptions.expireDelivered(20_000)
    assert.deepEqual(subscriptions.deliver(endedAt(1)), [])
  })

  it('delivers the end of all that was pending, also when that is too much to remember', () => {
    const subscriptions = subscriptionsOf(10)
    subscriptions.subscribe('ann', toUser('alice'))
    subscriptions.setUserSince('ann', 'alice', Date.parse(time) + 5_000)
    const ids = Array.from({ length: 10_001 }, (_, number) => `order ${number}`)
    for (const order_id of ids) subscriptions.deliverTo('ann', order({ order_id }))
    for (const order_id of ids) {
      assert.deepEqual(subscriptions.deliver({ ...paid, order_id }), ['ann'])
    }
  })

  it('forgets nothing when the user is subscribed again', () => {
    const subscriptions = subscriptionsOf(10)
    subscriptions.subscribe('ann', toUser('alice'))
    subscriptions.setUserSince('ann', 'alice', Date.parse(time))
    subscriptions.subscribe('ann', toUser('alice'))
    subscriptions.setUserSince('ann', 'alice', Date.parse(time) + 5_000)
    assert.deepEqual(subscriptions.deliver(paid), ['ann'])
  })

  it('goes on delivering to a subscriber of a user, order after order', () => {
    const subscriptions = subscriptionsOf(10)
    subscriptions.subscribe('ann', toUser('alice'))
    for (let count = 0; count < 5_000; count++) {
      const next = { ...paid, order_id: `order ${count}` }
      assert.deepEqual(subscriptions.deliver(next), ['ann'])
      assert.deepEqual(subscriptions.deliver(next), [])
    }
    assert.deepEqual(subscriptions.userIds(), ['alice'])
  })

  describe('what was delivered', () => {
    const dayMs = 86_400_000
    const endedAt = (second: number) => ({
      ...paid,
      order_id: `order ${second}`,
      updated_at: new Date(Date.parse(time) + second * 1_000).toISOString(),
    })
    /** As in a running system something may be forgotten before each. */
    const deliverAt = (subscriptions: Subscriptions<string>, second: number) => {
      subscriptions.expireDelivered(dayMs)
      subscriptions.deliver(endedAt(second))
    }
    const deliveredEachSecond = (seconds: number) => {
      const subscriptions = subscriptionsOf(10)
      subscriptions.subscribe('ann', toUser('alice'))
      for (let second = 0; second < seconds; second++) deliverAt(subscriptions, second)
      return subscriptions
    }
    const isForgotten = (subscriptions: Subscriptions<string>, second: number) =>
      subscriptions.deliver(endedAt(second)).length > 0

    it('is forgotten when it ended long before the latest', () => {
      const subscriptions = deliveredEachSecond(100)
      assert.equal(isForgotten(subscriptions, 0), false)
      subscriptions.expireDelivered(30_000)
      assert.equal(isForgotten(subscriptions, 69), false)
      assert.equal(isForgotten(subscriptions, 68), true)
      assert.equal(isForgotten(subscriptions, 0), true)
    })

    it('is remembered of the last few orders, however long ago they ended', () => {
      const subscriptions = deliveredEachSecond(20)
      subscriptions.expireDelivered(1_000)
      assert.equal(isForgotten(subscriptions, 0), false)
    })

    it('is remembered while something is read again that was missed', () => {
      const subscriptions = deliveredEachSecond(100)
      const [first, second] = [subscriptions.retainDelivered(), subscriptions.retainDelivered()]
      first()
      subscriptions.expireDelivered(30_000)
      assert.equal(isForgotten(subscriptions, 0), false)
      second()
      subscriptions.expireDelivered(30_000)
      assert.equal(isForgotten(subscriptions, 0), true)
    })

    it('is remembered again when the clock was ahead for a while', () => {
      const subscriptions = deliveredEachSecond(100)
      deliverAt(subscriptions, 10_000)
      subscriptions.expireDelivered(30_000) // all but a few are gone
      for (let second = 100; second < 200; second++) deliverAt(subscriptions, second)
      subscriptions.expireDelivered(30_000)
      assert.equal(isForgotten(subscriptions, 169), false)
      assert.equal(isForgotten(subscriptions, 168), true)
    })

    it('is forgotten, the first first, when it is far too much to remember', () => {
      const subscriptions = subscriptionsOf(10)
      subscriptions.subscribe('ann', toUser('alice'))
      for (let second = 0; second < 10_001; second++) subscriptions.deliver(endedAt(second))
      assert.equal(isForgotten(subscriptions, 1_000), false)
      assert.equal(isForgotten(subscriptions, 999), true)
      assert.equal(isForgotten(subscriptions, 0), true)
    })
  })

  describe('limit', () => {
    it('counts the orders and users of one connection together, each once', () => {
      const subscriptions = subscriptionsOf(2)
      assert.equal(subscriptions.subscribe('ann', toOrder('order')), 'ok')
      assert.equal(subscriptions.subscribe('ann', toOrder('order')), 'ok')
      assert.equal(subscriptions.subscribe('ann', toUser('alice')), 'ok')
      assert.equal(subscriptions.subscribe('ann', toUser('alice')), 'ok')
      assert.equal(subscriptions.subscribe('ann', toOrder('one more')), 'too-many')
      assert.equal(subscriptions.subscribe('ann', toUser('bob')), 'too-many')
      assert.equal(subscriptions.subscribe('ben', toOrder('one more')), 'ok')
      assert.deepEqual(subscriptions.subscribed(['one more']), ['one more'])
    })

    it('has room again when an order has become final or is not subscribed any more', () => {
      const subscriptions = subscriptionsOf(1)
      subscriptions.subscribe('ann', toOrder('order'))
      subscriptions.deliver(paid)
      assert.equal(subscriptions.subscribe('ann', toOrder('second')), 'ok')
      subscriptions.unsubscribe('ann', toOrder('second'))
      assert.equal(subscriptions.subscribe('ann', toUser('alice')), 'ok')
      subscriptions.unsubscribe('ann', toUser('alice'))
      assert.equal(subscriptions.subscribe('ann', toOrder('third')), 'ok')
    })
  })

  describe('subscribed', () => {
    it('is what is subscribed; with a subscribed user, any order may be theirs', () => {
      const subscriptions = subscriptionsOf(10)
      subscriptions.subscribe('ann', toOrder('order'))
      assert.deepEqual(subscriptions.subscribed(['order', 'other']), ['order'])
      subscriptions.subscribe('ben', toUser('alice'))
      assert.deepEqual(subscriptions.subscribed(['order', 'other']), ['order', 'other'])
    })
  })

  describe('with reads and notifications in any interleaving', () => {
    const orders = ['o1', 'o2', 'o3', 'o4']
    const ownerOf = (id: string) => (id < 'o3' ? 'alice' : 'bob')
    const subscribers = ['ann', 'ben']
    type Action =
      | { kind: 'subscribeOrder'; subscriber: string; id: string }
      | { kind: 'subscribeUser'; subscriber: string; id: string }
      | { kind: 'change'; id: string }
      | { kind: 'advance'; task: number }

    const subscriber = fc.constantFrom(...subscribers)
    const id = fc.constantFrom(...orders)
    const action: fc.Arbitrary<Action> = fc.oneof(
      fc.record({ kind: fc.constant('subscribeOrder' as const), subscriber, id }),
      fc.record({
        kind: fc.constant('subscribeUser' as const),
        subscriber,
        id: fc.constantFrom('alice', 'bob'),
      }),
      fc.record({ kind: fc.constant('change' as const), id }),
      {
        weight: 4,
        arbitrary: fc.record({ kind: fc.constant('advance' as const), task: fc.nat() }),
      },
    )

    /** The states that an order goes through; a refund that is refused makes it PAID again. */
    const courses: Order['status'][][] = [
      ['PAYMENT_PENDING', 'PAID', 'REFUND_PENDING', 'REFUNDED'],
      ['PAYMENT_PENDING', 'PAID', 'REFUND_PENDING', 'PAID', 'REFUND_PENDING', 'PAID'],
      ['PAYMENT_PENDING', 'PAYMENT_FAILED'],
    ]
    const courseOf = (id: string) => courses[orders.indexOf(id) % courses.length] ?? []

    interface Task {
      read: () => Order[]
      deliver: (rows: Order[], readAt: number) => void
      done?: { rows: Order[]; readAt: number }
    }

    /** The feed as the database and the network would let it run: reads take time, and overtake. */
    class World {
      readonly subscriptions = subscriptionsOf(100)
      /** How often each order has changed. */
      readonly version = new Map(orders.map((id) => [id, 0]))
      /** The version of each order when something was subscribed. */
      readonly subscribedAt = new Map<string, Map<string, number>>()
      readonly sent: { subscriber: string; order: Order; version: number }[] = []
      /** What goes on: first a read, then what is done with it. */
      readonly tasks: Task[] = []

      #read(ids: string[]): Order[] {
        return ids.map((order_id) => {
          const version = this.version.get(order_id) ?? 0
          const status = courseOf(order_id)[version] ?? 'PAYMENT_PENDING'
          const updated_at = new Date(Date.parse(time) + version).toISOString()
          return order({ order_id, user_id: ownerOf(order_id), status, updated_at })
        })
      }

      #send(subscriber: string, order: Order) {
        const version = Date.parse(order.updated_at) - Date.parse(time)
        this.sent.push({ subscriber, order, version })
      }

      do(action: Action): void {
        switch (action.kind) {
          case 'subscribeOrder':
          case 'subscribeUser': {
            const { kind, subscriber, id } = action
            const name = `${subscriber} ${id}`
            if (this.subscribedAt.has(name)) return
            this.subscribedAt.set(name, new Map(this.version))
            const ofOrder = kind === 'subscribeOrder'
            this.subscriptions.subscribe(subscriber, ofOrder ? toOrder(id) : toUser(id))
            const ids = ofOrder ? [id] : orders.filter((o) => ownerOf(o) === id)
            const isShown = ({ status }: Order) => ofOrder || isPending(status)
            this.tasks.push({
              read: () => this.#read(ids).filter(isShown),
              deliver: (rows) => {
                for (const order of rows) {
                  if (this.subscriptions.deliverTo(subscriber, order)) this.#send(subscriber, order)
                }
              },
            })
            return
          }
          case 'change': {
            const version = (this.version.get(action.id) ?? 0) + 1
            if (version === courseOf(action.id).length) return
            this.version.set(action.id, version)
            if (this.subscriptions.subscribed([action.id]).length === 0) return
            this.tasks.push({
              read: () => this.#read([action.id]),
              deliver: (rows, readAt) => {
                for (const order of rows) {
                  for (const subscriber of this.subscriptions.deliver(order, readAt)) {
                    this.#send(subscriber, order)
                  }
                }
              },
            })
            return
          }
          case 'advance':
            this.#advance(action.task)
        }
      }

      #advance(task: number): void {
        const index = task % this.tasks.length
        const found = this.tasks[index]
        if (!found) return
        if (found.done) {
          found.deliver(found.done.rows, found.done.readAt)
          this.tasks.splice(index, 1)
        } else found.done = { readAt: this.subscriptions.sequence, rows: found.read() }
      }

      end(): void {
        for (const id of orders) {
          for (const _ of courseOf(id)) this.do({ kind: 'change', id })
        }
        while (this.tasks.length > 0) this.#advance(0)
      }

      /** The versions that a subscriber was sent of an order. */
      story(subscriber: string, id: string): number[] {
        return this.sent
          .filter((sent) => sent.subscriber === subscriber && sent.order.order_id === id)
          .map(({ version }) => version)
      }
    }

    /** Of one subscriber and one order, in a world that has come to its end. */
    function check(world: World, subscriber: string, id: string): void {
      const byOrder = world.subscribedAt.get(`${subscriber} ${id}`)?.get(id)
      const byUser = world.subscribedAt.get(`${subscriber} ${ownerOf(id)}`)?.get(id)
      const story = world.story(subscriber, id)
      const last = courseOf(id).length - 1
      const what = `${subscriber} ${id}: ${story}`
      if (byOrder === undefined && byUser === undefined) {
        assert.deepEqual(story, [])
        return
      }
      assert.deepEqual(story, story.toSorted(), what)
      const rests = story.filter((version) => !isPending(courseOf(id)[version] as Order['status']))
      if (byUser !== undefined && byUser < last) assert.equal(story.at(-1), last, what)
      if (byOrder !== undefined) {
        const isSince = (version: number) => version >= byOrder
        assert.ok(rests.some(isSince), what)
      }
      if (byOrder === undefined) assert.equal(new Set(rests).size, rests.length, what)
      if (byUser === undefined) assert.equal(rests.length, 1, what)
    }

    it('each subscriber gets each state at rest once, the last one at last, and nothing that is older', () => {
      fc.assert(
        fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
          const world = new World()
          for (const each of actions) world.do(each)
          world.end()
          for (const subscriber of subscribers) {
            for (const id of orders) check(world, subscriber, id)
          }
          assert.deepEqual(world.subscriptions.orderIds(), [])
        }),
        { numRuns: 1_000 },
      )
    })

    it('nothing is left of a connection that is gone', () => {
      fc.assert(
        fc.property(fc.array(action, { maxLength: 40 }), (actions) => {
          const world = new World()
          for (const each of actions) world.do(each)
          for (const subscriber of subscribers) world.subscriptions.remove(subscriber)
          const sentCount = world.sent.length
          world.end()
          assert.equal(world.sent.length, sentCount)
          assert.deepEqual(world.subscriptions.orderIds(), [])
          assert.deepEqual(world.subscriptions.userIds(), [])
          assert.deepEqual(world.subscriptions.subscribed(orders), [])
        }),
      )
    })
  })
})
