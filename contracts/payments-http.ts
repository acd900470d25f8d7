import { type Static, Type } from 'typebox'
import { MAX_VERSION } from './account-version.ts'
import { compile } from './compile.ts'
import { Cursor, Limit, Moment, Money, MoneyText, PageOf, Uuid } from './http-fields.ts'
import { allLedgerTypes, ledgerStatuses } from './ledger-types.ts'
import { canonicalAmount } from './money-keyword.ts'
import { UserId } from './user-id.ts'

/** The HTTP interface of Payments: what comes in, and what goes out. */
export const CreateAccount = Type.Object({ user_id: UserId }, { additionalProperties: false })
export const TopUp = Type.Object({ amount: Money }, { additionalProperties: false })
export const ListLedger = Type.Object(
  { limit: Type.Optional(Limit), cursor: Type.Optional(Cursor) },
  { additionalProperties: false },
)

const version = Type.Integer({
  minimum: 0,
  maximum: MAX_VERSION,
  description: 'grows by one with each change of the balance; after the maximum comes 0',
})

export const Account = Type.Object({
  user_id: UserId,
  balance: MoneyText,
  version,
  created_at: Moment,
})
export type Account = Static<typeof Account>

export const ToppedUp = Type.Object({
  user_id: UserId,
  balance: MoneyText,
  version,
  tx_id: Uuid,
})
export type ToppedUp = Static<typeof ToppedUp>

export const LedgerEntry = Type.Object({
  tx_id: Uuid,
  order_id: Type.Union([Uuid, Type.Null()], { description: 'null for a top-up' }),
  type: Type.Enum(allLedgerTypes),
  amount: MoneyText,
  status: Type.Enum([...ledgerStatuses], { description: 'a failed debit has taken nothing' }),
  created_at: Moment,
})
export type LedgerEntry = Static<typeof LedgerEntry>

export const LedgerPage = PageOf(LedgerEntry)
export type LedgerPage = Static<typeof LedgerPage>

/** A top-up as code handles it: the amount in canonical form. */
export interface TopUp {
  amount: string
}

export const validateCreateAccount = compile(CreateAccount)
export const validateTopUp = compile(TopUp)
export const toTopUp = ({ amount }: Static<typeof TopUp>): TopUp => ({
  amount: canonicalAmount(amount),
})
export const validateListLedger = compile(ListLedger)
