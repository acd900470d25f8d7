import assert from 'node:assert/strict'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { Pending } from './pending.ts'

const ever = new AbortController().signal

describe('Pending', () => {
  it('gives all there is, up to the size of a batch, in the order of arrival', async () => {
    const pending = new Pending<number>()
    for (let item = 1; item <= 5; item++) pending.push(item)
    assert.deepEqual(await pending.take(3, 0, ever), [1, 2, 3])
    assert.deepEqual(await pending.take(3, 0, ever), [4, 5])
  })

  /** One whose last batch had company. */
  const crowded = async () => {
    const pending = new Pending<number>()
    pending.push(-1)
    pending.push(0)
    await pending.take(2, 0, ever)
    return pending
  }

  it('waits for the first, and in a crowd a moment for company', async () => {
    const pending = await crowded()
    const batch = pending.take(10, 20, ever)
    pending.push(1)
    await Promise.resolve()
    pending.push(2)
    assert.deepEqual(await batch, [1, 2])
  })

  it('knows a crowd by the last batch that had anything, whoever took it', async () => {
    const pending = new Pending<number>()
    const takers = [pending.take(10, 0, ever), pending.take(10, 0, ever)]
    for (const item of [1, 2, 3]) pending.push(item)
    await Promise.all(takers)
    const stop = new AbortController()
    const batch = pending.take(10, 60_000, stop.signal)
    pending.push(4)
    assert.equal(await Promise.race([batch, nextTurn('waiting')]), 'waiting')
    stop.abort()
    assert.deepEqual(await batch, [])
  })

  it('does not let a single one wait for company that it never had', async () => {
    const pending = new Pending<number>()
    for (const item of [1, 2]) {
      const batch = pending.take(10, 60_000, ever)
      pending.push(item)
      assert.deepEqual(await batch, [item])
    }
  })

  it('does not wait for company when the batch is full', async () => {
    const pending = await crowded()
    const batch = pending.take(1, 60_000, ever)
    pending.push(1)
    pending.push(2)
    assert.deepEqual(await batch, [1])
  })

  it('wakes everyone who waits, not only the one who came last', async () => {
    const pending = new Pending<number>()
    const takers = [pending.take(1, 0, ever), pending.take(1, 0, ever), pending.take(1, 0, ever)]
    for (const item of [1, 2, 3]) pending.push(item)
    assert.deepEqual((await Promise.all(takers)).flat().sort(), [1, 2, 3])
  })

  it('gives nothing to the one who came too late', async () => {
    const pending = new Pending<number>()
    const takers = [pending.take(10, 0, ever), pending.take(10, 0, ever)]
    pending.push(1)
    assert.deepEqual((await Promise.all(takers)).map(({ length }) => length).sort(), [0, 1])
  })

  it('stops waiting when told to, and keeps what has come for takeAll', async () => {
    const pending = new Pending<number>()
    const stop = new AbortController()
    const first = pending.take(10, 60_000, stop.signal)
    const lingering = await crowded()
    lingering.push(1)
    const second = lingering.take(10, 60_000, stop.signal)
    stop.abort()
    assert.deepEqual([await first, await second], [[], []])
    assert.deepEqual(lingering.takeAll(), [1])
    assert.deepEqual(lingering.takeAll(), [])
  })
})
