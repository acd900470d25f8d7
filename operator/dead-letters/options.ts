import { consumerQueues } from '../broker-report.ts'
import { findAddresses } from '../cli/addresses.ts'
import { type Input, UsageError } from '../cli/command.ts'
import { shortened, span, table } from '../cli/table.ts'
import { atDesk, type Desk } from './broker/queue-browser.ts'
import type { LetterSummary } from './letter.ts'

/** Of all commands for dead letters. */
export const queueOption = `  --queue NAME   only the letters of ${consumerQueues.join(' or ')}`

/** With the broker that the environment, or the running stack, names. */
export const withDesk = <T>(env: NodeJS.ProcessEnv, work: (desk: Desk) => Promise<T>): Promise<T> =>
  atDesk(findAddresses(env, 'amqp').amqp, work)

/** By the name of the consumer, or of its dead-letter queue; all if there is none. */
export function queuesFrom({ queue }: Input['values']): readonly string[] {
  if (queue === undefined) return consumerQueues
  const name = String(queue).replace(/\.dlq$/, '')
  if (consumerQueues.includes(name)) return [name]
  throw new UsageError(`--queue takes ${consumerQueues.join(' or ')}, got "${queue}"`)
}

export const lettersTable = (letters: LetterSummary[]): string =>
  table(
    ['ID', 'QUEUE', 'TYPE', 'REASON', 'AGE', 'TRIED', 'ORDER', 'ERROR'],
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
