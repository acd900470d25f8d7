import assert from 'node:assert/strict'
import type { Layout } from './pipeline.ts'
import { type Tier, tiers } from './service-times.ts'
import { type Scenario, simulate } from './simulate.ts'

const large: Layout = { machines: 5, cores: 8, replicas: 1 }
const small: Layout = { machines: 1, cores: 2, replicas: 1 }

/** Within a part of what is expected. */
const assertNear = (actual: number, expected: number, part: number) =>
  assert.ok(Math.abs(actual - expected) <= part * expected, `${actual}, expected ${expected}`)

describe('the simulation of the pipeline', () => {
  for (const [load, scenario] of Object.entries<Scenario>({
    'little to do': { ...small, load: { perSecond: 20 }, seconds: 20 },
    'more than it can do': { ...small, load: { perSecond: 4_000 }, seconds: 2 },
    'as much as there may be under way': { ...large, load: { underWay: 1_000 }, seconds: 2 },
  })) {
    it(`loses no order, repeats none, and obeys Little's law, with ${load}`, () => {
      const { placed, final, little } = simulate(scenario)
      assert.ok(placed > 100)
      assert.equal(final, placed)
      assertNear(little.underWay, little.arrivalsTimesMs, 1e-9)
    })
  }

  it('has the times of M/M/1 with one server, and its number under way when jobs share a core', () => {
    const one = (
      place: 'thread' | 'orders database',
      lanes: number,
      seconds: number,
    ): Scenario => ({
      ...{ machines: 1, cores: 1, replicas: 1, variation: 1 },
      load: { perSecond: 700 },
      seconds,
      tiers: [
        {
          ...{ name: 'only', process: 'only', lanes, batchSize: 1, gatherMs: 0 },
          steps: [[place, 0, 1, 'hands over']],
        },
      ],
    })
    const queue = simulate(one('thread', 1, 200))
    assertNear(queue.little.underWay, 0.7 / 0.3, 0.05)
    assertNear(queue.p50Ms, (1_000 * Math.log(2)) / 300, 0.05)
    assertNear(queue.p99Ms, (1_000 * Math.log(100)) / 300, 0.05)
    assertNear(simulate(one('orders database', 100, 60)).little.underWay, 0.7 / 0.3, 0.1)
  })

  it('spends on a lone order what its steps take, and its time is no less', () => {
    const alone = simulate({
      ...large,
      ...{ load: { perSecond: 1 }, seconds: 200, variation: 0 },
    })
    const steps = tiers.flatMap((tier) => tier.steps)
    const cpu = steps.filter(([place]) => !/ (log|lock)$/.test(place))
    const sum = (of: typeof steps) => of.reduce((ms, [, batch, order]) => ms + batch + order, 0)
    assertNear(alone.cpuMsPerOrder, sum(cpu), 0.02)
    assert.ok(alone.p50Ms > sum(cpu) / 2 && alone.p50Ms < sum(steps))
  })

  it('gains by replicas until a machine is full; then smaller batches cost a little', () => {
    const outcomes = [1, 2, 6, 12].map((replicas) =>
      simulate({ ...large, cores: 4, replicas, load: { underWay: 5_000 }, seconds: 1.5 }),
    )
    const rates = outcomes.map(({ perSecond }) => perSecond)
    const [one = 0, two = 0, six = 0, twelve = 0] = rates
    assert.ok(two > one * 1.7 && six > two && twelve > six * 0.8 && twelve < six * 1.1, `${rates}`)
    const bounds = outcomes.map(({ bound }) => bound)
    assert.ok(bounds.every(({ utilization }) => utilization > 0.9 && utilization <= 1 + 1e-9))
    assert.equal(bounds[0]?.name, 'orders-api 1')
    assert.match(bounds[3]?.name ?? '', /^cores of/)
  })

  it('settles one batch for each flush, however many replicas notify', () => {
    const alone = tiers.map((tier: Tier) =>
      tier.name === 'orders-consumer' ? { ...tier, batchSize: 1 } : tier,
    )
    const outcome = simulate({
      ...large,
      ...{ replicas: 8, load: { underWay: 1_000 }, seconds: 2, tiers: alone },
    })
    assert.equal(outcome.bound.name, 'notify lock')
    assert.ok(outcome.perSecond < 1_000 / 1.5, String(outcome.perSecond))
  })

  it('repeats itself with the same seed only', () => {
    const run = (seed: number) => simulate({ ...small, load: { perSecond: 100 }, seconds: 2, seed })
    assert.deepEqual(run(1), run(1))
    assert.notDeepEqual(run(1), run(2))
  })
})
