import assert from 'node:assert/strict'
import { pause } from '#chassis/pause.ts'
import { Loop, watchedLoop } from './loop.ts'

const never = new AbortController().signal
const limitMs = 20

/** Lets a time pass, and sees it pass. */
async function pass(ms: number): Promise<void> {
  const endMs = performance.now() + ms
  while (performance.now() < endMs) await pause(1, never)
}

describe('a loop', () => {
  it('stands still when no turn was completed within the limit, and says for how long', async () => {
    const loop = new Loop('relay', limitMs)
    const lane = loop.lane()
    loop.assertTurning()
    await pass(limitMs)
    assert.throws(() => loop.assertTurning(), /^Error: no turn was completed for 0 s: relay$/)
    lane.turned()
    loop.assertTurning()
  })

  it('is as old as the lane that is furthest behind', async () => {
    const loop = new Loop('consumer', limitMs)
    const [stuck, other] = [loop.lane(), loop.lane()]
    await pass(limitMs)
    other.turned()
    assert.throws(() => loop.assertTurning())
    stuck.end()
    loop.assertTurning()
  })

  it('does not grow old while it has no work, and goes on from where it was', async () => {
    const loop = new Loop('consumer', limitMs)
    const lane = loop.lane()
    await pass(limitMs / 2)
    const before = loop.ageMs
    await lane.idle(pass(limitMs))
    assert.ok(before >= limitMs / 2 && loop.ageMs < before + limitMs)
    await pass(limitMs)
    assert.throws(() => loop.assertTurning())
  })

  it('does not complete a turn by waiting: a turn that fails again and again is noticed', async () => {
    const loop = new Loop('relay', limitMs)
    const lane = loop.lane()
    for (let failures = 0; failures < 4; failures++) {
      await lane.idle(Promise.resolve())
      await pass(limitMs / 4)
    }
    assert.throws(() => loop.assertTurning())
  })

  it('goes on after a wait that was rejected', async () => {
    const loop = new Loop('relay', limitMs)
    await assert.rejects(loop.lane().idle(Promise.reject(new Error('no'))))
    await pass(limitMs)
    assert.throws(() => loop.assertTurning())
  })

  it('has no age without a lane', () => assert.equal(new Loop('none').ageMs, 0))

  it('is a part of the readiness, and is measured', async () => {
    const checks = new Map<string, () => unknown>()
    const measured: Loop[] = []
    const health = { check: (name: string, check: () => unknown) => void checks.set(name, check) }
    const observer = { loop: (loop: Loop) => void measured.push(loop) }
    const loop = watchedLoop('relay', { health, observer }, limitMs)
    loop.lane()
    await pass(limitMs)
    assert.throws(() => checks.get('relay loop')?.(), /no turn was completed/)
    assert.deepEqual(measured, [loop])
  })
})
