import assert from 'node:assert/strict'
import { WakeUp } from './wake-up.ts'

const ever = new AbortController().signal
/** Far more than a test may take. */
const long = 60_000

describe('WakeUp', () => {
  it('wakes who waits', async () => {
    const wakeUp = new WakeUp()
    const waiting = wakeUp.wait(long, ever)
    wakeUp.notify()
    await waiting
  })

  it('remembers a notification that came while nobody waited, once', async () => {
    const wakeUp = new WakeUp()
    wakeUp.notify()
    wakeUp.notify()
    await wakeUp.wait(long, ever)
    const startedAt = performance.now()
    await wakeUp.wait(30, ever)
    assert.ok(performance.now() - startedAt >= 25)
  })

  it('returns whether a notification came', async () => {
    const wakeUp = new WakeUp()
    assert.equal(await wakeUp.wait(1, ever), false)
    const waiting = wakeUp.wait(long, ever)
    wakeUp.notify()
    assert.equal(await waiting, true)
  })

  it('gives up when the time is over', () => new WakeUp().wait(1, ever))

  it('gives up when told to stop, before or meanwhile', async () => {
    const stop = new AbortController()
    const waiting = new WakeUp().wait(long, stop.signal)
    stop.abort()
    await waiting
    await new WakeUp().wait(long, stop.signal)
  })

  it('leaves nothing behind on a signal that lives as long as the process', async () => {
    const stop = new AbortController()
    const wakeUp = new WakeUp()
    const warnings: Error[] = []
    const onWarning = (warning: Error) => warnings.push(warning)
    process.on('warning', onWarning)
    for (let turn = 0; turn < 100; turn++) {
      const waiting = wakeUp.wait(long, stop.signal)
      wakeUp.notify()
      await waiting
    }
    process.off('warning', onWarning)
    assert.deepEqual(warnings, [])
  })
})
