import assert from 'node:assert/strict'
import { type InjectedFault, Journal } from './journal.ts'
import {
  alone,
  distributionOf,
  heldUntil,
  isDisturbed,
  recoveriesOf,
  recoveryTimes,
} from './recovery.ts'
import type { Fault } from './schedule.ts'

const fault = (
  fromMs: number,
  toMs: number,
  what: Fault = { kind: 'kill postgres' },
): InjectedFault => ({
  fault: what,
  fromMs,
  toMs,
  hits: 1,
})
const life = (created: number, updated: number, userId = 'alice') => ({
  ...{ userId, created, updated },
  asked: 1,
})

describe('recovery times', () => {
  it('are those of the orders that were on their way when the fault began', () => {
    const lives = [life(0, 90), life(50, 300), life(110, 150)]
    assert.deepEqual(recoveryTimes([fault(100, 120)], lives), [200])
  })

  it('count from the first of several faults', () => {
    assert.deepEqual(recoveryTimes([fault(200, 210), fault(100, 110)], [life(50, 300)]), [200])
  })

  it('are not those of an order whose account was locked meanwhile, which is known by its user', () => {
    const lock = fault(100, 400, { kind: 'lock account', userId: 'alice', forMs: 300 })
    const kill = fault(150, 160)
    assert.equal(heldUntil(life(120, 450), [kill, lock]), 400)
    assert.equal(heldUntil(life(120, 450, 'bob'), [kill, lock]), undefined)
    assert.equal(heldUntil(life(410, 450), [kill, lock]), undefined)
    const journal = new Journal()
    for (const one of [kill, lock]) journal.end(one)
    const lives = [life(120, 450), life(120, 200, 'bob')]
    const counted = recoveriesOf(journal, lives).filter(({ times }) => times.count > 0)
    assert.deepEqual(
      counted.map(({ what, times }) => [what.slice(0, 26), times.maxMs]),
      [
        ['orders final after a kille', 50],
        ['orders of a locked account', 50],
      ],
    )
  })

  it('are told as a distribution', () => {
    const times = Array.from({ length: 200 }, (_, index) => 200 - index)
    assert.deepEqual(distributionOf(times), { count: 200, p50Ms: 100, p99Ms: 198, maxMs: 200 })
    assert.deepEqual(distributionOf([]), { count: 0, p50Ms: 0, p99Ms: 0, maxMs: 0 })
  })

  it('can be limited to faults that nothing else went on with', () => {
    const [first, second, third] = [fault(0, 10), fault(12, 20), fault(100, 110)]
    assert.deepEqual(alone([first, second, third], 30), [third])
  })

  it('of a connection to the broker are disturbed by what the broker meets, or who talks to it', () => {
    const detection = { who: 'orders-relay publish', link: 'broker', ways: 'up' }
    const noticed = { ...detection, afterMs: 9_000, atMs: 10_000 }
    const own = fault(1_000, 10_000, { kind: 'half-open', link: 'broker', name: '', ways: ['up'] })
    const of = (meanwhile: Fault) => isDisturbed(noticed, [own, fault(2_000, 3_000, meanwhile)])
    assert.equal(of({ kind: 'kill postgres' }), false)
    assert.equal(of({ kind: 'cut', link: 'orders database', name: '' }), false)
    assert.equal(of({ kind: 'kill broker' }), true)
    assert.equal(of({ kind: 'cut', link: 'broker', name: '' }), true)
  })

  it('of a connection are disturbed by another fault of the database meanwhile', () => {
    const noticed = { who: 'orders-api listen', link: 'orders database', ways: 'up' }
    const detection = { ...noticed, afterMs: 3_000, atMs: 10_000 }
    const [own, meanwhile, before] = [fault(7_000, 10_000), fault(8_000, 8_100), fault(0, 6_000)]
    assert.equal(isDisturbed(detection, [own, before]), false)
    assert.equal(isDisturbed(detection, [own, meanwhile]), true)
  })
})
