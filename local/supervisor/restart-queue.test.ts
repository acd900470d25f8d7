import assert from 'node:assert/strict'
import { RestartQueue } from './restart-queue.ts'

describe('the restart queue', () => {
  const name = 'payments-consumer'

  /** Whether the promise is resolved when everything that need not wait is done. */
  async function isResolved(entering: Promise<unknown>): Promise<boolean> {
    const later = new Promise<false>((resolve) => setImmediate(resolve, false))
    return await Promise.race([entering.then(() => true), later])
  }

  it('lets a replica start at once when no replica of its process is starting', async () => {
    const queue = new RestartQueue()
    await queue.enter('payments-relay')
    assert.ok(await isResolved(queue.enter(name)))
  })

  it('lets replicas start one after the other', async () => {
    const queue = new RestartQueue()
    const leave = await queue.enter(name)
    const [second, third] = [queue.enter(`${name}.2`), queue.enter(`${name}.3`)]
    assert.ok(!(await isResolved(second)))
    leave()
    assert.ok(await isResolved(second))
    assert.ok(!(await isResolved(third)))
    const leaveSecond = await second
    leaveSecond()
    assert.ok(await isResolved(third))
  })

  it('lets a replica wait for a second at most, and not when the stack is stopped', async () => {
    const queue = new RestartQueue()
    await queue.enter(name)
    const startedAt = performance.now()
    await queue.enter(`${name}.2`, AbortSignal.abort())
    assert.ok(performance.now() - startedAt < 500)
    await queue.enter(`${name}.3`)
    assert.ok(performance.now() - startedAt >= 900)
  })
})
