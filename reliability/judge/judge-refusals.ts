import { balanceChange, ledgerTypes } from '#contracts/ledger-types.ts'
import { minorOf } from '#contracts/money.ts'
import type { FinalState, LedgerRow } from './final-state.ts'

/** An entry bears the time at which its transaction began, and another one may be as late. */
const slackMs = 15_000

/**
 * Refused debits of users who could have paid, in whatever order the entries of those seconds were
 * made: with what they had some time before, less all that they had spent some time after.
 */
export function refusalFaults({ ledger }: FinalState): string[] {
  const users = Map.groupBy(ledger, ({ user_id }) => user_id)
  return [...users.values()].flatMap((entries) => {
    const moved = entries.filter(({ status }) => status === 'SUCCESS')
    const refused = entries.filter(
      ({ type, status }) => ledgerTypes[type].sign < 0 && status === 'FAILED',
    )
    return refused.filter((entry) => leastHad(moved, entry) >= minorOf(entry.amount)).map(sayUnjust)
  })
}

function leastHad(moved: LedgerRow[], { created_at }: LedgerRow): bigint {
  const atMs = created_at.getTime()
  return moved.reduce((had, { type, amount, created_at: other }) => {
    const change = balanceChange(type, minorOf(amount))
    const isSure =
      change > 0n ? other.getTime() < atMs - slackMs : other.getTime() <= atMs + slackMs
    return isSure ? had + change : had
  }, 0n)
}

const sayUnjust = ({ order_id, user_id, amount, reason }: LedgerRow): string =>
  `order ${order_id} of ${user_id} about ${amount} was refused (${reason}), who could have paid`
