import assert from 'node:assert/strict'
import { faultKinds, losses, type Plan, scheduleOf, shortRun } from './schedule.ts'

describe('the schedule of faults', () => {
  const processes = ['orders-api', 'orders-relay', 'orders-relay.2', 'payments-consumer']
  const queues = ['payments-consumer', 'orders-consumer']
  const userIds = Array.from({ length: 16 }, (_, index) => `user-${index}`)
  const half = { durationMs: 30 * 60_000, processes, queues, userIds }
  const plan = (seed: number, more: Partial<Plan> = {}) =>
    scheduleOf({ seed, paymentRequestRetry: true, ...half, ...more })

  it('is the same for the same seed, and another for another', () => {
    assert.deepEqual(plan(1), plan(1))
    assert.notDeepEqual(plan(1), plan(2))
  })

  it('has in half an hour, whatever the seed, what half an hour is to show', () => {
    for (let seed = 0; seed < 50; seed++) {
      const faults = plan(seed).map(({ fault }) => fault)
      const count = (...kinds: string[]) => faults.filter(({ kind }) => kinds.includes(kind)).length
      const kills = faults.flatMap((fault) => (fault.kind === 'kill' ? fault.victims : []))
      assert.ok(kills.length >= 550, `${kills.length} kills`)
      assert.ok(count('kill broker') >= 21)
      assert.ok(count('wipe broker') >= 6)
      assert.ok(count('kill postgres') >= 32)
      assert.ok(count('cut', 'network fault', 'half-open') >= 120)
      for (const kind of faultKinds) assert.ok(count(kind) > 0, kind)
    }
  })

  it('has in the short run of npm test, whatever the seed, what waits for somebody or cannot hear', () => {
    for (let seed = 0; seed < 50; seed++) {
      const short = plan(seed, shortRun).map(({ fault }) => fault.kind)
      for (const kind of [
        'lock account',
        'lock order',
        'silent notify',
        'database away at subscription',
      ] as const) {
        assert.ok(short.includes(kind), `${kind}, seed ${seed}`)
      }
    }
  })

  it('is in order, and within its time', () => {
    const times = plan(3).map(({ atMs }) => atMs)
    assert.deepEqual(
      times,
      times.toSorted((a, b) => a - b),
    )
    assert.ok(times.every((at) => at >= 0 && at <= half.durationMs))
  })

  it('loses no message at the broker when nothing would ask for it again', () => {
    const off = plan(4, { paymentRequestRetry: false }).map(({ fault }) => fault.kind)
    assert.ok(losses.every((kind) => !off.includes(kind)))
    const on = plan(4).filter(({ fault }) => !losses.includes(fault.kind))
    assert.deepEqual(plan(4, { paymentRequestRetry: false }), on) // the rest is the same run
  })

  it('comes thicker when asked to', () => {
    assert.ok(plan(5, { haste: 10 }).length > 8 * plan(5).length)
  })
})
