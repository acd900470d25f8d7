import { runConsumer } from '#messaging/index.ts'
import { silent } from './logger.ts'
import { decode, handle, type Thing } from './things.ts'

/**
 * A consumer that is killed by every event with the note `kill`, run by
 * quarantine.integration.test.ts: its arguments are the URLs of the database and the broker, and
 * the name of the queue. Each other event is recorded in the table `effects`.
 */
const [databaseUrl = '', brokerUrl = '', queue = ''] = process.argv.slice(2)

await runConsumer({
  ...{ name: 'crashing', databaseUrl, brokerUrl, decode, logger: silent },
  queue: { queue, exchange: queue, routingKeys: ['thing'] },
  ...{ maxAttempts: 3, lingerMs: 2 },
  handle: async (trx, events: Thing[]) => {
    const outcomes = await handle(trx, events)
    if (events.some(({ note }) => note === 'kill')) process.kill(process.pid, 'SIGKILL')
    return outcomes
  },
})
