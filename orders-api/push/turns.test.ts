import assert from 'node:assert/strict'
import { inTurns } from './turns.ts'

describe('inTurns', () => {
  it('runs so many at a time, in their order, each once, those that fail too', async () => {
    const inTurn = inTurns(3)
    const order: number[] = []
    let running = 0
    let most = 0
    const work = async (number: number) => {
      order.push(number)
      most = Math.max(most, ++running)
      await new Promise(setImmediate)
      running--
      if (number % 4 === 0) throw new Error('failed')
      return number
    }
    const numbers = Array.from({ length: 100 }, (_, number) => number)
    const results = await Promise.allSettled(numbers.map((number) => inTurn(() => work(number))))
    assert.equal(most, 3)
    assert.deepEqual(order, numbers)
    const failed = results.filter(({ status }) => status === 'rejected')
    assert.equal(failed.length, 25)
    assert.equal(await inTurn(async () => 'the next'), 'the next')
  })
})
