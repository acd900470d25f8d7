import assert from 'node:assert/strict'
import { parseOptions, usage } from './options.ts'

describe('the command line of the fuzzer', () => {
  it('takes a seed, a number and kinds; without them, all kinds', () => {
    const all = { seed: 1, requests: 5_000, kinds: ['http', 'ws', 'amqp'], help: false }
    assert.deepEqual(parseOptions([]), all)
    const some = parseOptions(['--seed', '0', '--requests', '9', '--kind', 'ws', '--kind', 'amqp'])
    assert.deepEqual(some, { ...all, seed: 0, requests: 9, kinds: ['ws', 'amqp'] })
  })

  it('says what it does not understand', () => {
    assert.throws(() => parseOptions(['--kind', 'ftp']), /one of http, ws, amqp; got "ftp"/)
    assert.throws(() => parseOptions(['--requests', '0']), /--requests takes a whole number from 1/)
    assert.throws(() => parseOptions(['--seed', 'x']), /--seed takes a whole number from 0/)
    assert.throws(() => parseOptions(['--minutes', '1']), /--minutes/)
  })

  it('has each option in its help', () => {
    for (const option of ['seed', 'requests', 'kind'])
      assert.match(usage, new RegExp(`--${option}`))
  })
})
