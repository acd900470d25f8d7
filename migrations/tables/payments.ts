import type { Generated } from 'kysely'
import type { BothDatabases } from './both.ts'

export interface AccountsTable {
  user_id: string
  /** A decimal string with two places: NUMERIC never passes through a float. */
  balance: Generated<string>
  version: Generated<number>
  created_at: Generated<Date>
  updated_at: Generated<Date>
}

export interface LedgerTable {
  tx_id: string
  order_id: string | null
  user_id: string
  type: 'TOPUP' | 'DEBIT'
  amount: string
  status: 'SUCCESS' | 'FAILED'
  reason: string | null
  created_at: Generated<Date>
}

/** The tables of `payments_db`, compared with the live database by tables.integration.test.ts. */
export interface PaymentsDatabase extends BothDatabases {
  accounts: AccountsTable
  ledger: LedgerTable
}
