import assert from 'node:assert/strict'
import { readConfig } from '#chassis/config.ts'
import { consumerVariables, relayVariables } from './variables.ts'

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
