import assert from 'node:assert/strict'
import fc from 'fast-check'
import { fuzz, type Kind } from './fuzz.ts'

const options = { seed: 3, requests: 200, progress: () => {} }
const kind = (attempt: (one: number[]) => string[]): Kind<number[]> => ({
  ...{ name: 'lists', cases: fc.array(fc.nat()), batchSize: 20, endings: new Map() },
  attempt: async (cases) => cases.map(attempt),
})

describe('the fuzzer itself', () => {
  it('finds nothing where nothing is wrong, and tries as many as it was told', async () => {
    let tried = 0
    const right = kind(() => {
      tried++
      return []
    })
    assert.deepEqual(await fuzz(right, options), [])
    assert.equal(tried, 200)
  })

  it('makes each failure small, one of each promise', async () => {
    const wrong = kind((list) => [
      ...(list.some((one) => one > 100) ? [`holds much: ${Math.max(...list)}`] : []),
      ...(list.length > 1 ? ['is long'] : []),
    ])
    const failures = await fuzz(wrong, options)
    assert.deepEqual(
      failures.toSorted((one, other) => one.what.localeCompare(other.what)),
      [
        { kind: 'lists', what: 'holds much: 101', smallest: '[101]' },
        { kind: 'lists', what: 'is long', smallest: '[0,0]' },
      ],
    )
  })

  it('tells of what happens once and never again, as it was', async () => {
    let times = 0
    const once = kind(() => (++times === 7 ? ['is a ghost'] : []))
    const [failure] = await fuzz(once, options)
    assert.equal(failure?.what, 'is a ghost')
    assert.ok(failure.smallest)
  })

  it('tells of what is wrong after a batch', async () => {
    const after = { ...kind(() => []), aftermath: () => ['stops a process: a'] }
    const failures = await fuzz(after, options)
    assert.deepEqual(
      failures.map(({ what }) => what),
      ['stops a process: a'],
    )
  })

  it('draws the same from the same seed', async () => {
    const seen: string[] = []
    const drawn = kind((list) => {
      seen.push(JSON.stringify(list))
      return []
    })
    await fuzz(drawn, options)
    await fuzz(drawn, options)
    assert.deepEqual(seen.slice(200), seen.slice(0, 200))
    await fuzz(drawn, { ...options, seed: 4 })
    assert.notDeepEqual(seen.slice(400), seen.slice(0, 200))
  })
})
