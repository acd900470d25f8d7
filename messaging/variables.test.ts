import assert from 'node:assert/strict'
import { readConfig } from '#chassis/config.ts'
import { consumerVariables, relayVariables, signatureVariables } from './variables.ts'

const servers = { AMQP_URL: 'amqp://broker', DATABASE_URL: 'postgres://server/database' }
const engines = {
  RELAY: relayVariables('DATABASE_URL'),
  CONSUMER: consumerVariables('DATABASE_URL'),
}

describe('the variables of the engine', () => {
  for (const [engine, variables] of Object.entries(engines)) {
    const concurrencyIn = (env: Record<string, string>) =>
      readConfig<{ concurrency: number }>({ ...servers, ...env }, variables).concurrency

    it(`set the concurrency of a ${engine.toLowerCase()}, also by the name of earlier versions`, () => {
      assert.equal(concurrencyIn({}), 2)
      assert.equal(concurrencyIn({ [`${engine}_CONCURRENCY`]: '3' }), 3)
      assert.equal(concurrencyIn({ [`${engine}_LANES`]: '4' }), 4)
      assert.throws(
        () => concurrencyIn({ [`${engine}_LANES`]: '9' }),
        new RegExp(`${engine}_LANES`),
      )
    })
  }
})

describe('EVENT_SIGNATURES', () => {
  const key = `a:${'A'.repeat(43)}`
  const read = (env: Record<string, string>) =>
    readConfig<Record<string, unknown>>(env, signatureVariables(env, 'KEYS'))

  it('is off without keys', () => {
    assert.deepEqual(read({}), { signatures: 'off', signingKeys: [] })
    assert.deepEqual(read({ EVENT_SIGNATURES: 'off', KEYS: 'any' }), read({}))
  })

  for (const mode of ['if-present', 'required']) {
    it(`needs keys when it is ${mode}`, () => {
      const { signatures, signingKeys } = read({ EVENT_SIGNATURES: mode, KEYS: key })
      assert.deepEqual([signatures, (signingKeys as { id: string }[])[0]?.id], [mode, 'a'])
      assert.throws(() => read({ EVENT_SIGNATURES: mode }), /KEYS is missing/)
      assert.throws(() => read({ EVENT_SIGNATURES: mode, KEYS: 'a:b' }), /KEYS must be ID:SECRET/)
    })
  }

  it('has to be said where there are keys, which nobody must believe to be used', () => {
    const said = /EVENT_SIGNATURES \(off, if-present, required, since there is KEYS\) is missing/
    assert.throws(() => read({ KEYS: key }), said)
    assert.throws(() => read({ KEYS_FILE: '/run/secrets/keys' }), said)
  })
})
