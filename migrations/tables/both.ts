import type { Generated } from 'kysely'
import type { MessagingDatabase } from '#messaging/tables.ts'

export interface IdempotencyKeysTable {
  user_id: string
  call: string
  key: string
  fingerprint: string
  response_status: number
  response_body: string
  created_at: Generated<Date>
}

export interface InstallationTable {
  single_row: Generated<boolean>
  id: string
  service: 'orders' | 'payments'
}

export interface GaugesTable {
  name: string
  depth: Generated<string>
  oldest_at: Date | null
  computed_at: Generated<Date>
}

export interface UserRequestsTable {
  user_id: string
  spent_until: Date
}

/** What the databases of both services have. */
export interface BothDatabases extends MessagingDatabase {
  idempotency_keys: IdempotencyKeysTable
  installation: InstallationTable
  gauges: GaugesTable
  user_requests: UserRequestsTable
}
