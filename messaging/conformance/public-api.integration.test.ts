import assert from 'node:assert/strict'
import { untilAborted } from '#chassis/pause.ts'
import { useBroker } from '#testing/broker.ts'
import { useDatabase } from '#testing/database.ts'
import { recordedHealth } from '#testing/engine.ts'
import { eventually } from '#testing/eventually.ts'
import { silent } from '#testing/logger.ts'
import { running, useResources } from '#testing/resources.ts'
import { decode, handle } from '#testing/things.ts'
import type { EngineOptions } from '../engine.ts'
import { runConsumer, runRelay } from '../index.ts'

const queue = { queue: 'things', exchange: 'things', routingKeys: ['thing'] }
const engines = {
  relay: (options: EngineOptions) => runRelay({ routes: {}, logger: silent, ...options }),
  consumer: (options: EngineOptions) =>
    runConsumer({ queue, decode, handle, logger: silent, ...options }),
}

describe('the engine, run by a program that is none of ours,', () => {
  const database = useDatabase('orders')
  const broker = useBroker()
  const use = useResources()

  for (const [name, run] of Object.entries(engines)) {
    it(`as a ${name}, rejects, and works no more, when the database is another service's`, async () => {
      const servers = { databaseUrl: database.url, brokerUrl: broker.url }
      const signal = AbortSignal.timeout(20_000) // else it would work for ever
      const options = { ...servers, signal, service: 'payments' }
      await assert.rejects(run(options), /PAYMENTS_DATABASE_URL names the database of orders/)
      await eventually(async () => (await broker.connections()).length === 0)
    })

    it(`as a ${name}, waits for servers that are away, and returns when it is told to stop`, async () => {
      const databaseUrl = 'postgres://127.0.0.1:9/none'
      const health = recordedHealth()
      const servers = { databaseUrl, brokerUrl: 'amqp://127.0.0.1:9', health }
      const loop = use(running((signal) => run({ ...servers, signal })))
      await eventually(async () => (await health.reason('database'))?.match(/ECONNREFUSED|reached/))
      await loop.close()
    })
  }

  it("as a consumer, ends what runs alongside when the database is another service's", async () => {
    const servers = { databaseUrl: database.url, brokerUrl: broker.url, logger: silent }
    const alongside = (_: unknown, signal: AbortSignal) => untilAborted(signal)
    const options = { ...servers, queue, decode, handle, alongside, service: 'payments' }
    await assert.rejects(runConsumer(options), /PAYMENTS_DATABASE_URL names the database of orders/)
  })
})
