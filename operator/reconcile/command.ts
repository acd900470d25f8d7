import { EnvironmentError } from '#chassis/errors.ts'
import { restingStatuses } from '#contracts/order-states.ts'
import { brokerReport } from '../broker-report.ts'
import { findAddresses } from '../cli/addresses.ts'
import { type Command, duration, type Report, rejectPositionals } from '../cli/command.ts'
import { counted, table } from '../cli/table.ts'
import { withDatabases } from '../databases.ts'
import type { Finding } from './findings.ts'
import { reconcile } from './reconcile.ts'
import { type Repaired, repair } from './repair.ts'

export const reconcileCommand: Command = {
  name: 'reconcile',
  synopsis: '[--older-than 60s] [--repair]',
  summary: 'lists every broken promise, in both databases and the dead letters',
  details: `Compares orders, ledger, balances and dead letters, and lists every broken promise:

  final-without-decision    an order is ${restingStatuses.join(' or ')}, but no debit or refund says so
  debit-without-order       a debit is about an order that does not exist
  refund-without-order      a refund is about an order that does not exist
  decided-twice             an order has more than one debit, or more than one refund
  status-disagrees          a final status is not what the ledger has decided
  amount-disagrees          order and debit, or refund, are about another amount or user
  wrong-balance             a balance is not the sum of its ledger
  wrong-version             an account's version is not the number of its entries
  impossible-amount         NaN, nothing, less than nothing, or too much
  pending-too-long          an order is pending too long, with the stage where it is stuck
  dead-letters              there are dead letters
  dead-letters-uncounted    the broker is away, or another operator holds them for too long
  queue-without-leader      a queue takes and gives nothing until the broker is told to elect a leader
  queue-half-moved          queue move was interrupted, and messages wait in a queue that nobody consumes
  more-differences          so many orders or ledger entries disagree that the rest is only counted

Orders in progress are no finding. Each database is read in one snapshot, and nothing is changed. If
nothing is found but the dead letters could not be counted, the result is unknown: exit code 2.

  --older-than TIME   how long an order may be pending (60s; also 500ms, 5m, 2h)
  --repair            repeats what is safe to repeat: the payment, or the refund, of stuck orders is
                      requested again, and delayed events are published at once; then look again
`.trimEnd(),
  options: { 'older-than': { type: 'string' }, repair: { type: 'boolean' } },
  acts: ({ values }) => values.repair === true,
  run: async ({ positionals, values, ...caller }) => {
    rejectPositionals('reconcile', positionals)
    const olderThanMs = duration(values, 'older-than', 60_000)
    const broker = brokerReport(findAddresses(caller, 'amqp').amqp)
    return withDatabases(caller, async (databases) => {
      const findings = await reconcile({ databases, broker, olderThanMs })
      const repaired = values.repair ? await repair(databases, findings) : undefined
      return reportOf(findings, repaired)
    })
  },
}

/**
 * What was found, and repaired. Throws `unavailable` if that is nothing while the dead letters
 * could not be counted: then nobody can say that the databases agree.
 */
export function reportOf(findings: Finding[], repaired?: Repaired): Report {
  const [first] = findings
  const isNothing = findings.every(({ kind }) => kind === 'dead-letters-uncounted')
  if (first && isNothing && !hasRepaired(repaired)) {
    throw new EnvironmentError('unavailable', `Nothing else was found, but ${first.message}`)
  }
  const rows = findings.map((one) => [
    one.kind,
    one.order_id ?? one.queue ?? one.user_id ?? null,
    one.message,
  ])
  const text =
    rows.length > 0 ? table(['KIND', 'SUBJECT', 'MESSAGE'], rows) : 'The databases agree.'
  return {
    isFine: findings.length === 0 && repaired?.error === undefined,
    json: { findings, ...(repaired && { repaired }) },
    text: repaired ? [text, repairedText(repaired), ...undecidedText(findings)].join('\n') : text,
  }
}

/** Or has tried to. */
const hasRepaired = (repaired: Repaired | undefined): boolean =>
  repaired !== undefined &&
  (repaired.error !== undefined ||
    repaired.requested_again.length + repaired.rescheduled.length > 0)

/** What no repetition brings together: money, statuses and the ledger are never changed. */
const isForPeople = ({ kind }: Finding): boolean => undecided.has(kind)

const undecided: ReadonlySet<Finding['kind']> = new Set([
  'final-without-decision',
  'debit-without-order',
  'refund-without-order',
  'decided-twice',
  'status-disagrees',
  'amount-disagrees',
  'wrong-balance',
  'wrong-version',
  'impossible-amount',
])

function undecidedText(findings: Finding[]): string[] {
  const left = findings.filter(isForPeople)
  if (left.length === 0) return []
  return [`Not repaired, for people to decide: ${counted(left.length, 'finding')}. ${runbook}`]
}

const runbook = 'See "What people decide" in docs/runbook.md.'

const repairedText = ({ requested_again: again, rescheduled, error }: Repaired): string =>
  `Repaired: the payment or refund of ${counted(again.length, 'order')} was requested again, ` +
  `${counted(rescheduled.length, 'delayed event')} will be published at once.` +
  (error === undefined ? '' : `\nNot all: ${error}`)
