import assert from 'node:assert/strict'
import { RelayNotification } from './relay-notification.ts'

const ever = new AbortController().signal
/** Far more than a test may take. */
const long = 60_000

describe('RelayNotification', () => {
  it('ends a wait', async () => {
    const notification = new RelayNotification()
    const waiting = notification.wait(long, ever)
    notification.notify()
    await waiting
  })

  it('remembers a notification that came while nobody waited, once', async () => {
    const notification = new RelayNotification()
    notification.notify()
    notification.notify()
    await notification.wait(long, ever)
    const startedAt = performance.now()
    await notification.wait(30, ever)
    assert.ok(performance.now() - startedAt >= 25)
  })

  it('returns whether a notification came', async () => {
    const notification = new RelayNotification()
    assert.equal(await notification.wait(1, ever), false)
    const waiting = notification.wait(long, ever)
    notification.notify()
    assert.equal(await waiting, true)
  })

  it('gives up when the time is over', () => new RelayNotification().wait(1, ever))

  it('gives up when told to stop, before or meanwhile', async () => {
    const stop = new AbortController()
    const waiting = new RelayNotification().wait(long, stop.signal)
    stop.abort()
    await waiting
    await new RelayNotification().wait(long, stop.signal)
  })

  it('leaves nothing behind on a signal that lives as long as the process', async () => {
    const stop = new AbortController()
    const notification = new RelayNotification()
    const warnings: Error[] = []
    const onWarning = (warning: Error) => warnings.push(warning)
    process.on('warning', onWarning)
    for (let turn = 0; turn < 100; turn++) {
      const waiting = notification.wait(long, stop.signal)
      notification.notify()
      await waiting
    }
    process.off('warning', onWarning)
    assert.deepEqual(warnings, [])
  })
})
