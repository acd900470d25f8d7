import type { Generated, Selectable } from 'kysely'
import type { FailureReason } from '#contracts/events.ts'
import {
  allLedgerTypes,
  type LedgerStatus,
  type LedgerType,
  ledgerTypes,
} from '#contracts/ledger-types.ts'
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
  type: LedgerType
  amount: string
  status: LedgerStatus
  reason: FailureReason | null
  created_at: Generated<Date>
}

/** Some columns of an entry of the ledger, as they are read. */
export type LedgerColumns<Column extends keyof LedgerTable> = Pick<Selectable<LedgerTable>, Column>

/** The tables of `payments_db`, compared with the live database by tables.integration.test.ts. */
export interface PaymentsDatabase extends BothDatabases {
  accounts: AccountsTable
  ledger: LedgerTable
}

/** For a statement: what a successful entry of the ledger adds to the balance of its account. */
export const signedAmount = `CASE type ${allLedgerTypes
  .map((type) => `WHEN '${type}' THEN ${ledgerTypes[type].sign} * amount`)
  .join(' ')} END`
