import assert from 'node:assert/strict'
import {
  type End,
  type Subscription,
  subscriptionFaults,
  tellingTimes,
} from './judge-subscriptions.ts'

describe('the verdict on subscriptions', () => {
  const end: End = { orderId: 'order-1', userId: 'alice', status: 'PAID', endedAtMs: 2_000 }
  const received: Subscription['received'] = new Map([['order-1', { status: 'PAID', atMs: 2_500 }]])
  const ofAlice: Subscription = {
    ...{ target: { userId: 'alice' }, openedAtMs: 1_000, closedAtMs: undefined },
    received: new Map(),
  }
  const ofOrder: Subscription = { ...ofAlice, target: { orderId: 'order-1' } }
  const faults = (one: Subscription, ends = [end]) => subscriptionFaults([one], ends)

  it('names who is connected and was not told, of a user and of an order', () => {
    assert.deepEqual(faults(ofAlice), [
      'who follows alice, connected all the time, was not told 1 of 1 ends: order-1 is PAID, told was nothing',
    ])
    assert.match(faults(ofOrder)[0] ?? '', /^who follows order order-1/)
    assert.deepEqual([...faults({ ...ofAlice, received }), ...faults({ ...ofOrder, received })], [])
  })

  it('names who was told something else', () => {
    assert.match(
      faults({ ...ofAlice, received }, [{ ...end, status: 'PAYMENT_FAILED' }])[0] ?? '',
      /is PAYMENT_FAILED, told was PAID$/,
    )
  })

  it('asks nothing for who was never let in, and of who was closed only what is more than a minute old', () => {
    assert.deepEqual(faults({ ...ofAlice, openedAtMs: undefined }), [])
    assert.deepEqual(faults({ ...ofAlice, closedAtMs: 61_999 }), [])
    assert.equal(faults({ ...ofAlice, closedAtMs: 62_000 }).length, 1)
    assert.deepEqual(faults({ ...ofOrder, openedAtMs: 3_000, closedAtMs: 62_000 }), [])
  })

  it('asks for what ended before the subscription of an order, not of a user, nor of others', () => {
    const late = { openedAtMs: 3_000 }
    assert.deepEqual(faults({ ...ofAlice, ...late }), [])
    assert.equal(faults({ ...ofOrder, ...late }).length, 1)
    assert.deepEqual(faults(ofAlice, [{ ...end, userId: 'bob' }]), [])
  })

  it('says how late each end was told, those until now that were not, unless nothing was owed', () => {
    const late = { ...ofOrder, openedAtMs: 2_400, received }
    const all = [{ ...ofAlice, received }, ofAlice, late, { ...ofAlice, closedAtMs: 2_100 }]
    assert.deepEqual(tellingTimes(all, [end], 9_000), [500, 7_000, 100])
  })
})
