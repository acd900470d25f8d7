import { spawn } from 'node:child_process'
import { setImmediate } from 'node:timers/promises'
import amqp from 'amqplib'
import pg from 'pg'
import { useBroker } from '#testing/broker.ts'
import { useDatabase } from '#testing/database.ts'

/**
 * A test file that leaks what LEAK names. leaks.integration.test.ts runs it, and expects a failure.
 */
const leak = process.env.LEAK

describe('a test file that leaks', () => {
  const database = useDatabase('orders')
  const broker = useBroker()

  it(`leaves behind: ${leak}`, async () => {
    if (leak === 'database') await new pg.Client({ connectionString: database.url }).connect()
    if (leak === 'broker') await amqp.connect(broker.url)
    if (leak === 'process') spawn('sleep', ['60'])
    if (leak === 'rejection') {
      void Promise.reject(new Error('nobody hears this'))
      await setImmediate()
    }
  })
})
