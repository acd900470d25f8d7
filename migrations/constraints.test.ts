import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { FailureReason, RefundFailureReason } from '#contracts/events.ts'
import {
  allLedgerTypes,
  ledgerStatuses,
  ledgerTypes,
  orderLedgerTypes,
} from '#contracts/ledger-types.ts'
import {
  changedStatuses,
  firstStatus,
  fitsLedger,
  orderStatuses,
  pendingStatuses,
  restingStatuses,
} from '#contracts/order-states.ts'

const refundFailureReasons = [RefundFailureReason.const]
const failureReasons = FailureReason.anyOf.map((reason) => reason.const)

/** What is written in the migrations of a service, by their numbers. */
function allIn(service: string, pattern: RegExp): string[] {
  const files = globSync([`${service}/*.sql`, 'both/*.sql'], { cwd: import.meta.dirname })
  const texts = files
    .sort((a, b) => (basename(a) < basename(b) ? -1 : 1))
    .map((path) => readFileSync(`${import.meta.dirname}/${path}`, 'utf8'))
  const found = texts.flatMap((text) => [...text.matchAll(pattern)])
  assert.ok(found.length > 0, `no migration of ${service} has ${pattern}`)
  return found.map(([, text]) => text ?? '')
}

/** What is written last. */
const lastIn = (service: string, pattern: RegExp): string => allIn(service, pattern).at(-1) ?? ''

const namesIn = (sql: string) => [...sql.matchAll(/'(\w+)'/g)].map(([, name]) => name ?? '')

/** The names that the database compares with, held against those of the tables in contracts/. */
describe('the constraints of the migrations', () => {
  for (const [service, constraint, names] of [
    ['orders', 'orders_status', orderStatuses],
    ['orders', 'orders_reason_is_known', failureReasons],
    [
      'orders',
      'orders_reason_of_failure',
      [
        ...restingStatuses.filter((status) =>
          orderLedgerTypes.some((type) => fitsLedger(status, type, 'FAILED')),
        ),
        ...refundFailureReasons,
      ],
    ],
    ['payments', 'ledger_type', allLedgerTypes],
    ['payments', 'ledger_status', ledgerStatuses],
    ['payments', 'ledger_reason_is_known', failureReasons],
    ['payments', 'ledger_debit_has_order', orderLedgerTypes],
    [
      'payments',
      'ledger_topup_succeeds',
      [...allLedgerTypes.filter((type) => ledgerTypes[type].mayFail), 'SUCCESS'],
    ],
  ] as const) {
    it(`${constraint} knows what contracts/ knows; if not, migrations/${service}/ lacks a file`, () => {
      const check = lastIn(service, new RegExp(`CONSTRAINT ${constraint}\\s+CHECK (\\(.*\\))`, 'g'))
      assert.deepEqual(namesIn(check).sort(), [...names].sort())
    })
  }

  it('an order begins in the first state; if not, migrations/orders/ lacks a file', () => {
    const first = lastIn('orders', /\bstatus\s+(?:text NOT NULL|SET) DEFAULT ('\w+')/g)
    assert.deepEqual(namesIn(first), [firstStatus])
  })

  for (const [index, what, names] of [
    ['orders_pending', 'are pending', pendingStatuses],
    ['orders_pending_of_user', 'are pending', pendingStatuses],
    ['orders_changed_of_user', 'have changed', changedStatuses],
  ] as const) {
    it(`the index ${index} has all that ${what}; if not, migrations/orders/ lacks a file`, () => {
      const pattern = new RegExp(`CREATE INDEX ${index} [^;]*WHERE ([^;]*);`, 'g')
      assert.deepEqual(namesIn(lastIn('orders', pattern)).sort(), [...names].sort())
    })
  }

  it('the table gauges has a row for each pending state; if not, migrations/orders/ lacks a file', () => {
    const rows = allIn('orders', /INSERT INTO gauges \(name\) VALUES ([^;]*);/g).flatMap(namesIn)
    assert.deepEqual(
      pendingStatuses.filter((status) => !rows.includes(status)),
      [],
    )
  })
})
