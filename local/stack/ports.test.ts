import assert from 'node:assert/strict'
import { portSpan, portsFrom, processNames, processPort, replicasMax } from './ports.ts'

describe('portsFrom', () => {
  it('keeps the documented offsets', () => {
    assert.deepEqual(portsFrom(18_000), {
      base: 18_000,
      postgres: 18_001,
      amqp: 18_002,
      management: 18_003,
      distribution: 18_004,
      epmd: 18_005,
      frontend: 18_006,
      provider: 18_007,
    })
  })
})

describe('processPort', () => {
  it('counts replicas up from the offset of the process', () => {
    assert.equal(processPort(18_000, 'orders-api', 1), 18_100)
    assert.equal(processPort(18_000, 'payments-consumer', 3), 18_602)
  })

  it('gives every replica of every process a port of its own, inside the span', () => {
    const ports = processNames.flatMap((name) =>
      Array.from({ length: replicasMax }, (_, index) => processPort(0, name, index + 1)),
    )
    const all = [...ports, ...Object.values(portsFrom(0))]
    assert.equal(new Set(all).size, all.length)
    assert.ok(all.every((port) => port < portSpan))
  })
})
