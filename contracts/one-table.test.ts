import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

const root = resolve(import.meta.dirname, '..')

/** Where a state, an event or a type of ledger entry may matter. */
const rooms = [
  ...['contracts', 'client', 'frontend', 'metrics', 'operator', 'migrations', 'docs/generator'],
  ...['orders-api', 'orders-consumer', 'payments-api', 'payments-consumer'],
  ...['reliability/judge', 'reliability/model'],
]
const config = {
  extends: './tsconfig.json',
  include: rooms,
  exclude: ['**/*.integration.test.ts', '**/*.e2e.ts'],
}
/** Tests that compare the tables with what the compiler does not see. */
const comparing = ['contracts/order-states.test.ts', 'migrations/constraints.test.ts']

/** Who has to decide about a new state, event and type of entry. */
const placesToDecide = [
  'client/order-status.ts', // does a client go on listening?
  'docs/generator/async-examples.ts', // how does the event look?
  'frontend/lib/order-words.ts', // how is the state said on the page?
  'frontend/shop/view.ts', // how is the entry said on the page?
  'frontend/timeline/order-timeline.ts', // until which stage is the order followed?
  'metrics/settling.ts', // what is its request called?
  'operator/reconcile/findings.ts', // what is an entry without an order called?
  'operator/trace/steps.ts', // what are the stages of the decision called?
  'operator/trace/trace.ts', // when did the decision begin and end?
  'orders-api/timeline.ts', // what had Payments done with an order in this state?
  'orders-consumer/settle-orders.ts', // what does the reply say of the order?
  'payments-consumer/main.ts', // who handles the request?
  'reliability/model/states.test.ts', // what is the state in the model?
]
const constraintsToChange = [
  ...['orders_status', 'ledger_type', 'ledger_debit_has_order', 'orders_pending'],
  ...['orders_pending_of_user', 'orders_changed_of_user', 'gauges'],
]

type Edits = Record<string, (text: string) => string>

const tables = {
  states: 'contracts/order-states.ts',
  events: 'contracts/event-types.ts',
  ledger: 'contracts/ledger-types.ts',
}

/** A new entry at the end of the table of a file. */
const adding = (entry: string) => (text: string) =>
  edited(text, /\n(?=\} as const satisfies Record<string, )/, `\n${entry}\n`)

const dropping = (name: string) => (text: string) =>
  edited(text, new RegExp(`^  ${name}: \\{\\n[\\s\\S]*?^  \\},\\n`, 'm'), '')

function edited(text: string, pattern: RegExp, replacement: string): string {
  assert.match(text, pattern)
  return text.replace(pattern, replacement)
}

/**
 * Runs in a copy of the sources that has been edited: what the type check says, and which tests
 * fail.
 */
async function inCopy(edits: Edits): Promise<{ types: string; failures: string[] }> {
  const dir = mkdtempSync(join(tmpdir(), 'one-table-'))
  try {
    const isSource = (path: string) => !/node_modules|\/\.[^/]+$|\/findings$/.test(path)
    cpSync(root, dir, { recursive: true, filter: isSource })
    symlinkSync(join(root, 'node_modules'), join(dir, 'node_modules'))
    for (const [path, edit] of Object.entries(edits)) {
      writeFileSync(join(dir, path), edit(readFileSync(join(dir, path), 'utf8')))
    }
    writeFileSync(join(dir, 'rooms.json'), JSON.stringify(config))
    const [types, tests] = await Promise.all([
      output(dir, 'tsc', '-p', 'rooms.json', '--pretty', 'false'),
      output(dir, 'mocha', '--no-config', '--reporter', 'json', ...comparing),
    ])
    assert.ok(tests.startsWith('{'), 'the tests could not be run')
    const { failures } = JSON.parse(tests) as { failures: { fullTitle: string }[] }
    return { types, failures: failures.map(({ fullTitle }) => fullTitle) }
  } finally {
    rmSync(dir, { recursive: true })
  }
}

const output = (cwd: string, command: string, ...args: string[]): Promise<string> =>
  new Promise((done) => {
    const file = join(root, 'node_modules/.bin', command)
    execFile(file, args, { cwd, maxBuffer: 1e8 }, (_, stdout) => done(stdout))
  })

/**
 * The files in which the type check finds something, but tests: those show values of the entries.
 */
const placesIn = (types: string) => {
  const found = [...types.matchAll(/^([\w./-]+)\(\d+,\d+\): error/gm)].map(([, path]) => path ?? '')
  return [...new Set(found)].filter((path) => !/(?<!states)\.test\.ts$/.test(path)).sort()
}

/**
 * Whoever adds a state, an event or a type of ledger entry has to decide about it in places that no
 * table can know. Each of them names itself, by not compiling or by a test; so does what still
 * names an entry that is gone.
 */
describe('the tables of contracts/', function () {
  this.timeout(300_000) // a type check takes seconds, on a busy machine a minute

  it('name each place that has to decide about a new entry', async () => {
    const { types, failures } = await inCopy({
      [tables.states]: (text) =>
        adding(`  HELD: {
            request: 'HoldRequested',
            decision: 'FEE',
            isPaid: true,
            ledger: { DEBIT: ['SUCCESS'], REFUND: ['none'], FEE: ['none', 'SUCCESS'] },
            on: {
              PaymentSucceeded: 'repeat',
              PaymentFailed: 'contradiction',
              PaymentRefunded: 'contradiction',
              RefundFailed: 'contradiction',
              HoldReleased: 'PAID',
            },
            onCall: { refund: 'refused', hold: 'refused' },
            summary: 'is held',
          },`)(
          text
            .replaceAll(/(?<=DEBIT: \[.*\])(?= \},$)/gm, ", FEE: ['none', 'SUCCESS']")
            .replaceAll(/(?<=RefundFailed: .*,)$/gm, " HoldReleased: 'repeat',")
            .replace(/(?<=^type OrderCall = .*)$/m, " | 'hold'")
            .replaceAll(/(?<=onCall: \{.*)(?= \},$)/gm, ", hold: 'refused'")
            .replace(/(?<= PAID: [\s\S]*?hold: )'refused'/, "'HELD'"),
        ),
      [tables.events]: adding(`  HoldRequested: {
            from: 'orders', to: 'payments', routingKey: 'hold.requested', version: 1, summary: '',
          },
          HoldReleased: {
            from: 'payments', to: 'orders', routingKey: 'hold.released', version: 1, summary: '',
          },`),
      'contracts/events.ts': (text) =>
        edited(
          text,
          /\n(?=\} satisfies Record<EventType, TSchema>)/,
          '\n  HoldRequested: Type.Object(aboutOrder),\n  HoldReleased: replyWith({}),\n',
        ),
      [tables.ledger]: adding(`  FEE: { sign: -1, ofOrder: true, mayFail: false, summary: '' },`),
    })
    assert.deepEqual(placesIn(types), placesToDecide)
    assert.deepEqual(
      failures.map((title) => /\b(?:orders|ledger)_\w+|gauges|$/.exec(title)?.[0]),
      constraintsToChange,
    )
  })

  it('are explained by recipes, which name each of these places', () => {
    const recipes = readFileSync(join(root, 'CONTRIBUTING.md'), 'utf8')
    const named = [...placesToDecide, ...constraintsToChange]
    assert.deepEqual(
      named.filter((place) => !recipes.includes(`\`${place}\``)),
      [],
    )
  })

  it('name each place that has decided about an entry that is gone', async () => {
    const { types, failures } = await inCopy({
      [tables.states]: dropping('PAYMENT_FAILED'),
      [tables.events]: dropping('PaymentFailed'),
      [tables.ledger]: dropping('DEBIT'),
    })
    for (const [name, places] of Object.entries({
      PAYMENT_FAILED: [
        'client/order-status.ts',
        'frontend/lib/order-words.ts',
        'orders-api/timeline.ts',
        'reliability/model/states.test.ts',
      ],
      PaymentFailed: [
        'contracts/events.ts',
        'contracts/order-states.ts',
        'docs/generator/async-examples.ts',
        'orders-consumer/settle-orders.ts',
        'payments-consumer/charge-orders.ts',
      ],
      DEBIT: [
        'frontend/shop/view.ts',
        'operator/reconcile/findings.ts',
        'operator/reconcile/checksum-rows.ts',
        'payments-consumer/charge-orders.ts',
        'payments-consumer/decide-requests.ts',
        'payments-consumer/read-accounts.ts',
      ],
    })) {
      const named = types
        .split('\n')
        .filter((line) => line.includes(`'${name}'`) || line.includes(`"${name}"`))
      assert.deepEqual(
        places.filter((place) => !placesIn(named.join('\n')).includes(place)),
        [],
        `${name} is gone, and these places do not name it`,
      )
    }
    assert.ok(failures.some((title) => title.includes('orders_status')))
    assert.ok(failures.some((title) => title.includes('ledger_type')))
  })
})
