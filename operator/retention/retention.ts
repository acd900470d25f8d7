import type { Kysely } from 'kysely'
import { expiringKeys } from '#idempotency/expiring-keys.ts'
import { engineTables } from '#messaging/retention/expiring-tables.ts'
import type { MessagingDatabase } from '#messaging/tables.ts'
import type { Databases } from '../databases.ts'
import { countExpired, type RetentionState, readRetention } from './rows.ts'

export interface TableRetention extends RetentionState {
  /** Rows that would go now. */
  expired: number
}

/** By service; a table is missing until a consumer has declared that it expires. */
export type RetentionReport = Record<'orders' | 'payments', TableRetention[]>

/** The tables of both services that expire; how long they are kept is in the database. */
const tables = [...engineTables({ outboxRetentionDays: 0, inboxRetentionDays: 0 }), expiringKeys(0)]

/** What is kept for how long, what would go now, and when old rows were last deleted. */
export const reportRetention = async ({
  orders,
  payments,
}: Databases): Promise<RetentionReport> => ({
  orders: await reportOf(orders),
  payments: await reportOf(payments),
})

async function reportOf(db: Kysely<MessagingDatabase>): Promise<TableRetention[]> {
  const report: TableRetention[] = []
  for (const state of await readRetention(db)) {
    const table = tables.find(({ name }) => name === state.table)
    const expired = table ? await countExpired(db, table, state.expires_before) : 0
    report.push({ ...state, expired })
  }
  return report
}

/** Nobody has deleted the next batch, though it has been due for so long. */
const overdueMs = 3_600_000

/** Whether rows have expired that nobody deletes: no consumer runs, or it cannot. */
export const isOverdue = ({ expired, due_ms_ago }: TableRetention): boolean =>
  expired > 0 && due_ms_ago > overdueMs
