import { brokerReport } from '../broker-report.ts'
import { findAddresses } from '../cli/addresses.ts'
import { type Command, duration, rejectPositionals, wholeNumber } from '../cli/command.ts'
import { table } from '../cli/table.ts'
import { withDatabases } from '../databases.ts'
import { findStuck, type Stuck } from './stuck.ts'

export const stuckCommand: Command = {
  name: 'stuck',
  synopsis: '[--older-than 60s] [--limit N]',
  summary: 'lists the oldest orders that are pending too long, with their stage and what to do',
  details: `Lists the orders that are pending for too long, the oldest first, with the stage where each is stuck
and what to do about it. It reads pending orders only, so it is quick however many orders there are:
reconcile compares everything. Exits with 1 when there is one. If the dead letters cannot be read,
no order is reported as stuck at one, and it exits with 2.

  --older-than TIME   how long an order may be pending (60s; also 500ms, 5m, 2h)
  --limit N           the maximum number (20)`,
  options: { 'older-than': { type: 'string' }, limit: { type: 'string' } },
  run: async ({ positionals, values, ...caller }) => {
    rejectPositionals('stuck', positionals)
    const olderThanMs = duration(values, 'older-than', 60_000)
    const limit = wholeNumber(values, 'limit', { min: 1, fallback: 20 })
    const broker = brokerReport(findAddresses(caller, 'amqp').amqp)
    const stuck = await withDatabases(caller, (databases) =>
      findStuck({ databases, broker, olderThanMs, limit }),
    )
    const error = stuck.uncounted === null ? undefined : new Error(stuck.uncounted)
    return { isFine: stuck.total === 0, json: stuck, text: textOf(stuck), error }
  },
}

function textOf({ orders, total }: Stuck): string {
  if (total === 0) return 'No order is pending for too long.'
  const rows = orders.map(({ order_id, stage, message, advice }) => [
    order_id,
    stage,
    `${message}. ${advice}`,
  ])
  const more = total > orders.length ? [`and ${total - orders.length} more`] : []
  return [table(['ORDER', 'STAGE', 'MESSAGE'], rows), ...more].join('\n')
}
