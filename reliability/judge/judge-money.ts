import { balanceChange } from '#contracts/ledger-types.ts'
import { formatMoney, minorOf } from '#contracts/money.ts'
import { answersOf, type FinalState, type LedgerRow } from './final-state.ts'
import type { History } from './history.ts'

/**
 * Money moves only as it was asked to: once for a call, and the balance is what the ledger says.
 */
export function moneyFaults({ calls }: History, { accounts, ledger, keys }: FinalState): string[] {
  const done = ledger.filter(({ status }) => status === 'SUCCESS')
  const answers = answersOf(keys)
  const existing = new Set(accounts.map(({ user_id }) => user_id))
  const moves = Map.groupBy(done, ({ user_id }) => user_id)
  const entries = new Map(ledger.map((entry) => [entry.tx_id, entry]))
  const asked = new Set<string>()
  const faults = calls.flatMap((call) => {
    if (call.kind !== 'topup') return []
    const [body] = answers(call)
    if (body === undefined) return []
    const txId = (JSON.parse(body) as { tx_id: string }).tx_id
    asked.add(txId)
    const entry = entries.get(txId)
    const fits = entry?.user_id === call.userId && minorOf(entry.amount) === call.amountMinor
    return fits ? [] : [`the top-up ${call.key} of ${call.userId} is not in the ledger as asked`]
  })
  const strays = done.filter(({ type, tx_id }) => type === 'TOPUP' && !asked.has(tx_id))
  const missing = calls.filter(
    ({ kind, ending, userId }) => kind === 'account' && ending === 'ok' && !existing.has(userId),
  )
  return [
    ...faults,
    ...strays.map(({ tx_id, user_id }) => `the top-up ${tx_id} of ${user_id} belongs to no call`),
    ...missing.map(({ userId }) => `the account of ${userId} was answered with 201 and is gone`),
    ...[...moves.keys()].flatMap((id) =>
      existing.has(id) ? [] : [`money of ${id} moved, who has no account`],
    ),
    ...accounts.flatMap((account) => wrongBalance(account, moves.get(account.user_id) ?? [])),
  ]
}

function wrongBalance({ user_id, balance }: FinalState['accounts'][number], moves: LedgerRow[]) {
  const sum = moves.reduce(
    (total, { type, amount }) => total + balanceChange(type, minorOf(amount)),
    0n,
  )
  if (sum >= 0n && balance === formatMoney(sum)) return []
  return [`the balance of ${user_id} is ${balance}, its ledger adds up to ${sum} cents`]
}
