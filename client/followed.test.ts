import assert from 'node:assert/strict'
import { Followed, mostSubscribed } from './followed.ts'

const order = (n: number) => ({ order_id: `${n}` })

describe('Followed', () => {
  it('subscribes to each once, and to everything again on a new connection', () => {
    const followed = new Followed()
    followed.want(order(1))
    followed.want({ user_id: 'alice' })
    followed.want(order(1))
    assert.deepEqual(followed.takeNext(), [order(1), { user_id: 'alice' }])
    assert.deepEqual(followed.takeNext(), [])
    followed.reconnected()
    assert.equal(followed.takeNext().length, 2)
    assert.ok(followed.has({ user_id: 'alice' }))
  })

  it('keeps what a connection does not take until others end', () => {
    const followed = new Followed()
    for (let n = 0; n < mostSubscribed + 2; n++) followed.want(order(n))
    assert.equal(followed.takeNext().length, mostSubscribed)
    assert.deepEqual(followed.takeNext(), [])
    assert.ok(followed.forget(order(7)))
    assert.deepEqual(followed.takeNext(), [order(mostSubscribed)])
    assert.equal(followed.size, mostSubscribed + 1)
  })

  it('has nothing to take back of what was never subscribed', () => {
    const followed = new Followed()
    followed.want(order(1))
    assert.equal(followed.forget(order(1)), false)
    assert.deepEqual(followed.takeNext(), [])
  })
})
