import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { execute, type Servers } from './servers.ts'

/** Writes what PostgreSQL spent its time on since the last call, the costliest first. */
export async function writeStatements(servers: Servers, dir: string, name: string): Promise<void> {
  const rows = await execute<{
    ms: number
    calls: number
    rows: number
    wal: number
    query: string
  }>(
    servers.ordersUrl,
    `SELECT total_exec_time::int AS ms, calls::int, rows::int, wal_bytes::float8 AS wal,
            regexp_replace(query, '\\s+', ' ', 'g') AS query
     FROM pg_stat_statements ORDER BY total_exec_time DESC LIMIT 40`,
  )
  const lines = rows.map(({ ms, calls, rows, wal, query }) =>
    [ms, calls, rows, wal, query.slice(0, 160)].join('\t'),
  )
  mkdirSync(dir, { recursive: true })
  const head = ['ms', 'calls', 'rows', 'wal bytes', 'statement'].join('\t')
  writeFileSync(
    join(dir, `${name.replaceAll(' ', '-')}.statements.tsv`),
    [head, ...lines].join('\n'),
  )
  await execute(servers.ordersUrl, 'SELECT pg_stat_statements_reset()')
}
