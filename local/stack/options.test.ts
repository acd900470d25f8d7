import assert from 'node:assert/strict'
import { parseOptions, parseScale } from './options.ts'

describe('parseScale', () => {
  it('runs one of each process by default', () => {
    assert.deepEqual(new Set(Object.values(parseScale([]))), new Set([1]))
  })

  it('takes several arguments, and zero means none', () => {
    const scale = parseScale(['orders-consumer=2', 'payments-relay=0'])
    assert.equal(scale['orders-consumer'], 2)
    assert.equal(scale['payments-relay'], 0)
    assert.equal(scale['orders-api'], 1)
  })

  for (const arg of ['orders=2', 'orders-api', 'orders-api=', 'orders-api=-1', 'orders-api=101']) {
    it(`refuses ${arg} and lists the names`, () => {
      assert.throws(() => parseScale([arg]), /NAME is one of orders-api, .*payments-consumer/)
    })
  }
})

describe('parseOptions', () => {
  it('reads --scale in both spellings', () => {
    const options = parseOptions(['--scale', 'orders-api=2', '--scale=orders-relay=3'])
    assert.ok(options.kind === 'start')
    assert.equal(options.scale['orders-api'], 2)
    assert.equal(options.scale['orders-relay'], 3)
  })

  it('prefers help over everything', () => {
    assert.equal(parseOptions(['--scale', 'nonsense', '--help']).kind, 'help')
  })

  it('refuses an unknown option', () => {
    assert.throws(() => parseOptions(['--replicas', '2']), /--replicas/)
  })
})
