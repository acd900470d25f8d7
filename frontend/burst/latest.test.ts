import assert from 'node:assert/strict'
import { latest } from './latest.ts'

describe('latest', () => {
  let read = 0
  beforeEach(() => {
    read = 0
  })
  async function* numbers(from = 0, to = Number.POSITIVE_INFINITY) {
    for (let number = from; number < to; number++) {
      read++
      yield number
    }
  }

  it('finds what is looked for among others, and all that there is', async () => {
    assert.deepEqual(await latest(numbers(0, 9), 3, (number) => number % 3 === 0), [0, 3, 6])
    assert.deepEqual(await latest(numbers(0, 9), 5, (number) => number > 6), [7, 8])
  })

  it('finds one too many, which a comparison of the databases must see', async () => {
    assert.deepEqual(
      await latest(numbers(), 2, (number) => number < 2 || number === 50),
      [0, 1, 50],
    )
  })

  it('reads no more than a page beyond the last, and not without end', async () => {
    assert.equal((await latest(numbers(), 500, () => true)).length, 599)
    read = 0
    assert.deepEqual(await latest(numbers(), 20, () => false), [])
    assert.equal(read, 240)
  })
})
