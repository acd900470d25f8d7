import { MAX_VERSION } from '#contracts/account-version.ts'
import { balanceChange } from '#contracts/ledger-types.ts'

export type TopUpDecision =
  | { kind: 'credit'; balanceMinor: bigint; version: number }
  | { kind: 'refuse'; because: 'balance-limit' }

/** The account after a top-up, or why it cannot be: a balance has an upper bound. */
export function topUp(
  account: { balanceMinor: bigint; version: number },
  amountMinor: bigint,
  maxMinor: bigint,
): TopUpDecision {
  const balanceMinor = account.balanceMinor + balanceChange('TOPUP', amountMinor)
  if (balanceMinor > maxMinor) return { kind: 'refuse', because: 'balance-limit' }
  const version = account.version === MAX_VERSION ? 0 : account.version + 1
  return { kind: 'credit', balanceMinor, version }
}
