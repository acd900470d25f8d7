import assert from 'node:assert/strict'
import { Outage } from '#chassis/outage.ts'
import { eventually } from '#testing/eventually.ts'
import { silent } from '#testing/logger.ts'
import { SnapshotQueue } from './snapshot-queue.ts'

/** A read that answers when the test says so. */
function slowRead() {
  const { promise, resolve } = Promise.withResolvers<void>()
  return { answered: promise, answer: resolve }
}

describe('SnapshotQueue', () => {
  let stop: AbortController
  let outage: Outage
  let snapshots: SnapshotQueue<string>
  const failing: string[] = []

  beforeEach(() => {
    stop = new AbortController()
    outage = new Outage({ logger: silent, what: 'orders cannot be read' })
    failing.length = 0
    snapshots = new SnapshotQueue<string>({
      outage,
      signal: stop.signal,
      onFailing: (subscriber) => void failing.push(subscriber),
    })
  })
  afterEach(() => stop.abort())

  it('sends page after page, each subscription in its turn', async () => {
    const sent: string[] = []
    const pages = (name: string, count: number) => async () => {
      sent.push(name)
      return sent.filter((one) => one === name).length === count
    }
    await Promise.all([
      snapshots.add('ann', 'large', pages('large', 4)),
      snapshots.add('ann', 'small', pages('small', 2)),
    ])
    await eventually(() => sent.length === 6)
    assert.deepEqual(sent, ['large', 'small', 'large', 'small', 'large', 'large'])
  })

  it('does not want any more what was read for a subscription that was replaced or ended meanwhile', async () => {
    for (const ends of ['replaced', 'cancelled', 'forgotten', 'closed']) {
      const { answered, answer } = slowRead()
      let wanted: boolean | undefined
      const added = snapshots.add(ends, 'order', async (isWanted) => {
        await answered
        wanted = isWanted()
        return true
      })
      const again = ends === 'replaced' ? snapshots.add(ends, 'order', async () => true) : undefined
      if (ends === 'cancelled') snapshots.cancel(ends, 'order')
      if (ends === 'forgotten') snapshots.cancelAll(ends)
      if (ends === 'closed') stop.abort()
      answer()
      await Promise.all([added, again])
      await eventually(() => wanted === false)
    }
  })

  it('tries again what failed, goes on with the rest, and lets nobody wait for it', async () => {
    const sent: string[] = []
    let isAway = true
    const page = (name: string) => async () => {
      if (isAway && name !== 'fine') throw new Error('away')
      sent.push(name)
      return true
    }
    await snapshots.add('ann', 'order', page('order'))
    await snapshots.add('ann', 'user', page('user'))
    await snapshots.add('ben', 'fine', page('fine'))
    assert.deepEqual(sent, ['fine'])
    assert.deepEqual(failing[0], 'ann')
    isAway = false
    await eventually(() => sent.length === 3)
    assert.deepEqual(sent.toSorted(), ['fine', 'order', 'user'])
  })
})
