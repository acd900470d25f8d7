import { type Static, Type } from 'typebox'
import { compile } from './compile.ts'
import { Limit, Money } from './http-fields.ts'
import { UserId } from './user-id.ts'

/** The HTTP interface of Payments: what comes in, and what goes out. */
export const CreateAccount = Type.Object({ user_id: UserId }, { additionalProperties: false })
export const TopUp = Type.Object({ amount: Money }, { additionalProperties: false })
export const ListLedger = Type.Object(
  { limit: Type.Optional(Limit), cursor: Type.Optional(Type.String()) },
  { additionalProperties: false },
)

export interface Account {
  user_id: string
  balance: string
  version: number
  created_at: string
}

export interface ToppedUp {
  user_id: string
  balance: string
  version: number
  tx_id: string
}

export interface LedgerEntry {
  tx_id: string
  order_id: string | null
  type: 'TOPUP' | 'DEBIT'
  amount: string
  status: 'SUCCESS' | 'FAILED'
  created_at: string
}

export type CreateAccount = Static<typeof CreateAccount>
export type TopUp = Static<typeof TopUp>

export const validateCreateAccount = compile(CreateAccount)
export const validateTopUp = compile(TopUp)
export const validateListLedger = compile(ListLedger)
