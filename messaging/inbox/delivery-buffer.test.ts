import assert from 'node:assert/strict'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { DeliveryBuffer } from './delivery-buffer.ts'

const ever = new AbortController().signal

describe('DeliveryBuffer', () => {
  it('gives all there is, up to the size of a batch, in the order of arrival', async () => {
    const buffer = new DeliveryBuffer<number>()
    for (let item = 1; item <= 5; item++) buffer.push(item)
    assert.deepEqual(await buffer.take(3, 0, ever), [1, 2, 3])
    assert.deepEqual(await buffer.take(3, 0, ever), [4, 5])
  })

  /** A buffer whose last batch had more than one item. */
  const batching = async () => {
    const buffer = new DeliveryBuffer<number>()
    buffer.push(-1)
    buffer.push(0)
    await buffer.take(2, 0, ever)
    return buffer
  }

  it('waits for the first, and lingers for more if the last batch had more than one', async () => {
    const buffer = await batching()
    const batch = buffer.take(10, 20, ever)
    buffer.push(1)
    await Promise.resolve()
    buffer.push(2)
    assert.deepEqual(await batch, [1, 2])
  })

  it('lingers after a batch of more than one, whoever took it', async () => {
    const buffer = new DeliveryBuffer<number>()
    const takers = [buffer.take(10, 0, ever), buffer.take(10, 0, ever)]
    for (const item of [1, 2, 3]) buffer.push(item)
    await Promise.all(takers)
    const stop = new AbortController()
    const batch = buffer.take(10, 60_000, stop.signal)
    buffer.push(4)
    assert.equal(await Promise.race([batch, nextTurn('waiting')]), 'waiting')
    stop.abort()
    assert.deepEqual(await batch, [])
  })

  it('does not linger for a single item after a single item', async () => {
    const buffer = new DeliveryBuffer<number>()
    for (const item of [1, 2]) {
      const batch = buffer.take(10, 60_000, ever)
      buffer.push(item)
      assert.deepEqual(await batch, [item])
    }
  })

  it('does not linger when the batch is full', async () => {
    const buffer = await batching()
    const batch = buffer.take(1, 60_000, ever)
    buffer.push(1)
    buffer.push(2)
    assert.deepEqual(await batch, [1])
  })

  it('wakes everyone who waits, not only the one who came last', async () => {
    const buffer = new DeliveryBuffer<number>()
    const takers = [buffer.take(1, 0, ever), buffer.take(1, 0, ever), buffer.take(1, 0, ever)]
    for (const item of [1, 2, 3]) buffer.push(item)
    assert.deepEqual((await Promise.all(takers)).flat().sort(), [1, 2, 3])
  })

  it('gives nothing to the one who came too late', async () => {
    const buffer = new DeliveryBuffer<number>()
    const takers = [buffer.take(10, 0, ever), buffer.take(10, 0, ever)]
    buffer.push(1)
    assert.deepEqual((await Promise.all(takers)).map(({ length }) => length).sort(), [0, 1])
  })

  it('stops waiting when told to, and keeps what has come for takeAll', async () => {
    const buffer = new DeliveryBuffer<number>()
    const stop = new AbortController()
    const first = buffer.take(10, 60_000, stop.signal)
    const lingering = await batching()
    lingering.push(1)
    const second = lingering.take(10, 60_000, stop.signal)
    stop.abort()
    assert.deepEqual([await first, await second], [[], []])
    assert.deepEqual(lingering.takeAll(), [1])
    assert.deepEqual(lingering.takeAll(), [])
  })
})
