import { consumerQueues } from '../broker-report.ts'
import { type Caller, findAddresses } from '../cli/addresses.ts'
import { type Input, UsageError } from '../cli/command.ts'
import { shortened, span, table } from '../cli/table.ts'
import { type QueueBrowser, withQueueBrowser } from './broker/queue-browser.ts'
import type { DeadLetterSummary } from './summary.ts'

/** The option of all commands for dead letters. */
export const queueOption = `  --queue NAME   only the dead letters of ${consumerQueues.join(' or ')}`

/** Opens a queue browser at the broker of the environment, or of the running stack. */
export const withBrowserOf = <T>(
  caller: Caller,
  work: (browser: QueueBrowser) => Promise<T>,
): Promise<T> => withQueueBrowser(findAddresses(caller, 'amqp').amqp, work)

/** The consumer of --queue, named by itself or its dead-letter queue; all consumers without it. */
export function queuesFrom({ queue }: Input['values']): readonly string[] {
  if (queue === undefined) return consumerQueues
  const name = String(queue).replace(/\.dlq$/, '')
  if (consumerQueues.includes(name)) return [name]
  throw new UsageError(`--queue takes ${consumerQueues.join(' or ')}, got "${queue}"`)
}

export const deadLettersTable = (letters: DeadLetterSummary[]): string =>
  table(
    ['ID', 'QUEUE', 'TYPE', 'REASON', 'AGE', 'ATTEMPTS', 'ORDER', 'ERROR'],
    letters.map((letter) => [
      letter.id,
      letter.queue,
      shortened(letter.type, 20),
      letter.reason,
      span(letter.age_ms),
      letter.attempts,
      letter.order_id,
      shortened(letter.last_error, 60),
    ]),
  )
