import assert from 'node:assert/strict'
import { eventTypesTo } from './event-types.ts'
import { isPending, onReply, orderStatuses, pendingStatuses, requestOf } from './order-states.ts'

/** The table of contracts/order-states.ts, held against that of contracts/event-types.ts. */
describe('the states of an order', () => {
  const replies = eventTypesTo('orders')
  const changes = orderStatuses.flatMap((status) =>
    replies.map((reply) => ({ status, reply, next: onReply(status, reply) })),
  )

  it('ask for each decision that Payments is asked for in one pending state', () => {
    assert.deepEqual(pendingStatuses.map(requestOf).sort(), eventTypesTo('payments').sort())
  })

  it('are led on by each reply, from a pending state only', () => {
    const moving = changes.filter(({ next }) => next !== 'repeat' && next !== 'contradiction')
    assert.deepEqual([...new Set(moving.map(({ reply }) => reply))].sort(), replies.sort())
    assert.deepEqual(
      moving.filter(({ status }) => !isPending(status)),
      [],
    )
  })

  it('wait for a reply that leads to a state at rest', () => {
    for (const waiting of pendingStatuses) {
      const ends = changes.filter(({ status, next }) => {
        return (
          status === waiting && next !== 'repeat' && next !== 'contradiction' && !isPending(next)
        )
      })
      assert.ok(ends.length > 0, `contracts/order-states.ts: no reply ends ${waiting}`)
    }
  })
})
