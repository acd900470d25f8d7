import { type Command, rejectPositionals } from '../cli/command.ts'
import { withDatabases } from '../databases.ts'
import { isOverdue, reportRetention } from './retention.ts'
import { retentionTable } from './table.ts'

export const retentionCommand: Command = {
  name: 'retention',
  synopsis: '',
  summary: 'shows what expires: what would go now, and when old rows were last deleted',
  details: `Shows for each table whose old rows are deleted how long rows are kept, how many have expired and
would go now, when the last pass was finished, and how many rows that pass and all passes have
deleted. The consumer of each database deletes them: published events, handled events in the inbox,
Idempotency-Keys, attempts that were left over. Orders, the ledger, accounts, and events that are
not published or not handled never expire. Exits with 1 when rows have expired that nobody has
deleted for an hour: then the consumer does not run, or its log says why it cannot.`,
  options: {},
  run: async ({ positionals, ...caller }) => {
    rejectPositionals('retention', positionals)
    const report = await withDatabases(caller, reportRetention)
    const overdue = Object.values(report).flat().filter(isOverdue)
    const text = retentionTable(report, [
      ['EXPIRED', ({ expired }) => expired],
      ['NOTE', (one) => (isOverdue(one) ? 'overdue: see the log of the consumer' : null)],
    ])
    return { isFine: overdue.length === 0, json: report, text }
  },
}
