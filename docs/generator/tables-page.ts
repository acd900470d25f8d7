import { allEventTypes, eventTypes, eventTypesTo, schemaNameOf } from '#contracts/event-types.ts'
import {
  allLedgerTypes,
  ledgerStatuses,
  ledgerTypes,
  orderLedgerTypes,
} from '#contracts/ledger-types.ts'
import { fitsLedger, onReply, orderStates, orderStatuses } from '#contracts/order-states.ts'
import { routes } from '#contracts/topology.ts'

const code = (name: string) => `\`${name}\``
const row = (cells: readonly string[]) => `| ${cells.join(' | ')} |`

const table = (head: string[], rows: string[][]): string =>
  [row(head), row(head.map(() => '---')), ...rows.map(row)].join('\n')

const replies = eventTypesTo('orders')

const states = () =>
  table(
    [
      'state',
      'meaning',
      'requested by',
      ...orderLedgerTypes.map(code),
      ...replies.map(code),
      'left by a call',
    ],
    orderStatuses.map((status) => {
      const { summary, request, onCall } = orderStates[status]
      const entries = orderLedgerTypes.map((type) =>
        (['none', ...ledgerStatuses] as const)
          .filter((entry) => fitsLedger(status, type, entry))
          .join(', '),
      )
      const next = replies.map((reply) => onReply(status, reply))
      const calls = Object.keys(onCall).map(code).join(', ') || 'none'
      return [
        code(status),
        summary,
        request ? code(request) : 'at rest',
        ...entries,
        ...next,
        calls,
      ]
    }),
  )

const events = () =>
  table(
    ['event', 'meaning', 'exchange', 'routing key', 'queue', 'schema'],
    allEventTypes.map((type) => {
      const { summary, to } = eventTypes[type]
      const { exchange, routingKey } = routes[type]
      const names = [exchange, routingKey, `${to}-consumer`, schemaNameOf(type)]
      return [code(type), summary, ...names.map(code)]
    }),
  )

const entries = () =>
  table(
    ['type', 'meaning', 'balance', 'about an order', 'may be refused'],
    allLedgerTypes.map((type) => {
      const { summary, sign, ofOrder, mayFail } = ledgerTypes[type]
      const one = ofOrder ? 'yes, one at most' : 'no'
      return [code(type), summary, sign > 0 ? '+' : '−', one, mayFail ? 'yes' : 'no']
    }),
  )

/** The tables that the code is made from, for people. */
export const tablesPage = (): string => `# States, events and ledger entries

Made from the tables in \`contracts/\` by \`npm run documents\`.

## States of an order

For each state: the event that requests the decision it waits for (sent again while no reply comes), what
the ledger may have of the order, and what each reply makes of it. A \`repeat\` changes nothing; a
\`contradiction\` is a dead letter.

${states()}

## Events

${events()}

## Ledger entries

A balance is the sum of the successful entries of its account.

${entries()}
`
