import { span, table } from '../cli/table.ts'
import type { RetentionState } from './rows.ts'

type Column<State> = [head: string, cell: (state: State) => string | number | null]

const columns: Column<RetentionState>[] = [
  ['KEPT', ({ retention_ms }) => span(retention_ms)],
  ['LAST PASS', lastPass],
  ['DELETED', ({ deleted }) => deleted],
  ['EVER', ({ deleted_ever }) => deleted_ever],
]

/** A line for each table of both services that expires, with what else is known of it. */
export const retentionTable = <State extends RetentionState>(
  retention: Record<string, State[]>,
  more: Column<State>[] = [],
): string => {
  const all = [...columns, ...more]
  const rows = Object.entries(retention).flatMap(([service, states]) =>
    states.map((state) => [`${service}.${state.table}`, ...all.map(([, cell]) => cell(state))]),
  )
  return table(['TABLE', ...all.map(([head]) => head)], rows)
}

function lastPass({ is_in_progress, finished_ms_ago }: RetentionState): string {
  if (is_in_progress) return 'in progress'
  return finished_ms_ago === null ? 'never' : `${span(finished_ms_ago)} ago`
}
