/** How an entry of the ledger ended: money moved, or a refusal was recorded. */
export const ledgerStatuses = ['SUCCESS', 'FAILED'] as const
export type LedgerStatus = (typeof ledgerStatuses)[number]

interface LedgerDescription {
  /** What a successful entry does to the balance. */
  sign: 1 | -1
  /** Whether it is about an order; an order has one of each such type at most. */
  ofOrder: boolean
  /** Whether Payments may refuse it, and records that. */
  mayFail: boolean
  /** For people who read the documents. */
  summary: string
}

/**
 * Every type of ledger entry. Balances, the checks of them, the documents and what an order in a
 * state must have in the ledger (order-states.ts) are made from this table.
 */
export const ledgerTypes = {
  TOPUP: {
    sign: 1,
    ofOrder: false,
    mayFail: false,
    summary: 'money that the user has put into the account',
  },
  DEBIT: {
    sign: -1,
    ofOrder: true,
    mayFail: true,
    summary: 'the payment of an order, or the refusal of it',
  },
  REFUND: {
    sign: 1,
    ofOrder: true,
    mayFail: true,
    summary: 'the money of a paid order that is given back, or the refusal of that',
  },
} as const satisfies Record<string, LedgerDescription>

export type LedgerType = keyof typeof ledgerTypes

/** The types of entries that are about an order. */
export type OrderLedgerType = {
  [T in LedgerType]: (typeof ledgerTypes)[T]['ofOrder'] extends true ? T : never
}[LedgerType]

/** In the order of the table. */
export const allLedgerTypes = Object.keys(ledgerTypes) as LedgerType[]

/** In the same order, those that are about an order. */
export const orderLedgerTypes = allLedgerTypes.filter(
  (type): type is OrderLedgerType => ledgerTypes[type].ofOrder,
)

/** What a successful entry of a type and an amount adds to the balance, in minor units. */
export const balanceChange = (type: LedgerType, amountMinor: bigint): bigint =>
  BigInt(ledgerTypes[type].sign) * amountMinor
