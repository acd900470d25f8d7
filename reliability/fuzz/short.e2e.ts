import assert from 'node:assert/strict'
import { regressions } from './regressions/all.ts'
import { type Fuzzer, kindNames, startFuzzer } from './run.ts'

describe('bad input, short', function () {
  this.timeout(300_000)
  let fuzzer: Fuzzer

  before('start a stack', async () => {
    fuzzer = await startFuzzer()
  })
  after('stop it', () => fuzzer?.[Symbol.asyncDispose]())

  for (const kind of kindNames) {
    it(`${kind}: breaks nothing that it broke before`, async () => {
      assert.deepEqual(await fuzzer.retry(kind, regressions[kind]), [])
    })

    it(`${kind}: breaks no promise`, async () => {
      const options = { seed: 1, requests: 500, progress: () => {} }
      assert.deepEqual(await fuzzer.fuzz(kind, options), [])
    })
  }

  it('makes no money, loses no event and leaves no error in the logs', async () => {
    assert.deepEqual(await fuzzer.settled(), [])
  })
})
