import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { allEventTypes } from '#contracts/event-types.ts'
import { allLedgerTypes } from '#contracts/ledger-types.ts'
import { orderStatuses, pendingStatuses } from '#contracts/order-states.ts'
import { failureColumn } from '#testing/failure-table.ts'

/** What every process may import. */
const forAll = ['#chassis/', '#contracts/', '#metrics/index.ts']

/**
 * Who may import whom. A folder is a process, and processes meet only in events and in tables of
 * their own service: this file is where that is true.
 */
const processes = {
  'orders-api': [
    '#chassis/',
    '#contracts/',
    '#idempotency/',
    '#limits/',
    '#messaging/index.ts',
    '#principal/',
    '#metrics/index.ts',
    '#requests/',
    '#tables/orders.ts',
    '#tracing/tracing.ts',
  ],
  'orders-relay': [...forAll, '#messaging/index.ts', '#tables/orders.ts'],
  'orders-consumer': [
    ...forAll,
    '#idempotency/expiring-keys.ts',
    '#messaging/index.ts',
    '#tables/orders.ts',
  ],
  'payments-api': [
    ...forAll,
    '#idempotency/',
    '#limits/',
    '#principal/',
    '#requests/',
    '#tables/payments.ts',
  ],
  'payments-relay': [...forAll, '#messaging/index.ts', '#tables/payments.ts'],
  'payments-consumer': [
    ...forAll,
    '#idempotency/expiring-keys.ts',
    '#messaging/index.ts',
    '#tables/payments.ts',
  ],
}
const crossings: Record<string, string[]> = {
  ...processes,
  operator: [
    '#chassis/',
    '#contracts/',
    '#frontend/',
    '#idempotency/expiring-keys.ts',
    '#messaging/',
    '#principal/',
    '#rabbitmq-3.10/',
    '#requests/',
    '#tables/',
  ],
  chassis: [
    '#contracts/problem.ts',
    '#contracts/problem-types.ts',
    '#principal/secure-start.ts',
    '#tracing/load.ts',
    '#tracing/tracing.ts',
  ],
  requests: ['#chassis/http/problem.ts', '#contracts/exact-json.ts'],
  tracing: ['#chassis/', '#contracts/traceparent.ts', '#messaging/index.ts'],
  principal: ['#chassis/', '#contracts/user-id.ts'],
  idempotency: [
    '#chassis/config.ts',
    '#chassis/database/',
    '#chassis/http/problem.ts',
    '#messaging/index.ts',
    '#principal/principal.ts',
    '#tables/both.ts',
  ],
  limits: ['#chassis/', '#principal/principal.ts'],
  client: ['#contracts/'],
  contracts: [],
  messaging: [
    '#chassis/backoff.ts',
    '#chassis/config.ts',
    '#chassis/database/',
    '#chassis/timeout.ts',
    '#chassis/errors.ts',
    '#chassis/logger.ts',
    '#chassis/outage.ts',
    '#chassis/pause.ts',
    '#chassis/resources.ts',
    '#chassis/throttled-log.ts',
    '#chassis/tls.ts',
  ],
  metrics: [
    '#package.json',
    '#chassis/',
    '#contracts/',
    '#messaging/index.ts',
    '#tables/orders.ts',
  ],
  'demo-provider': ['#chassis/config.ts'],
  docs: [
    '#contracts/',
    '#roles/',
    '#observability/dashboard.ts',
    '#messaging/broker/shared-message.ts',
    '#messaging/signatures/header.ts',
  ],
  migrations: [
    '#chassis/config.ts',
    '#chassis/database/',
    '#chassis/logger.ts',
    '#contracts/',
    '#messaging/installation',
    '#messaging/tables.ts',
    '#roles/',
  ],
  observability: [],
  roles: [
    '#chassis/config.ts',
    '#contracts/topology.ts',
    '#messaging/broker/installation.ts',
    '#messaging/broker/topology.ts',
    '#tables/',
  ],
  local: [
    ...['#chassis/', '#messaging/broker/address.ts', '#messaging/variables.ts'],
    ...['#principal/', '#rabbitmq-3.10/', '#roles/'],
  ],
  'rabbitmq-3.10': ['#messaging/broker/connection.ts'],
  frontend: ['#client/', '#contracts/'],
  reliability: [
    '#chassis/',
    '#client/',
    '#contracts/',
    '#generator/',
    '#local/',
    '#messaging/',
    '#migrations/',
    '#operator/',
    '#tables/',
    '#testing/',
  ],
  bench: [
    '#chassis/',
    '#messaging/',
    '#metrics/',
    '#client/',
    '#contracts/',
    '#local/',
    '#migrations/',
    '#tables/',
    '#testing/',
  ],
  tests: [
    '#chassis/',
    '#client/',
    '#contracts/',
    '#local/',
    '#messaging/',
    '#migrations/',
    '#operator/',
    '#observability/',
    '#principal/',
    '#roles/',
    '#generator/',
    '#reliability/',
    '#tables/',
    '#testing/',
  ],
}

/** What a test may import besides. */
const forTests = [
  '#chassis/',
  '#contracts/',
  '#local/',
  '#messaging/',
  '#migrations/',
  '#principal/',
  '#requests/',
  '#roles/',
  '#tables/',
  '#testing/',
]

/** One owner for each package, so that it can be replaced in one place. */
const owners: Record<string, RegExp> = {
  rascal: /^messaging\/broker\//,
  amqplib: /^messaging\/broker\/|^operator\/dead-letters\/broker\/|^rabbitmq-3\.10\//,
  pg: /^chassis\/database\/|^messaging\/notifications\//,
  koa: /^chassis\/http\/|^idempotency\/key|\/app\.ts$/,
  '@koa/router': /^chassis\/http\/|\/app\.ts$/,
  'koa-helmet': /^chassis\/http\//,
  'raw-body': /^requests\//,
  jose: /^principal\//,
  ws: /^orders-api\/push\/web-socket\.ts$/,
  pino: /^chassis\/logger\.ts$/,
  'prom-client': /^metrics\//,
  ajv: /^contracts\/|^requests\/validation\.ts$/,
  'ajv-formats': /^contracts\//,
  typebox: /^contracts\//,
  'node-pg-migrate': /^migrations\/(?:migrate|lock)\.ts$/,
  '@opentelemetry': /^tracing\//,
  'oidc-provider': /^demo-provider\//,
  oauth4webapi: /^frontend\/sign-in\//,
  '@grafana/schema': /^observability\//,
}

/** Inside the chassis each layer builds on those before it. */
const layers = [
  [
    ...['errors', 'backoff', 'pause', 'timeout', 'tls', 'config', 'logger', 'throttled-log'],
    ...['outage', 'resources'],
  ],
  ['database'],
  ['http'],
  ['lifecycle'],
  ['worker'],
]

/** Decisions without a clock, a query or a wait, and the tables that they decide by. */
const cores = [
  'contracts/account-version.ts',
  'contracts/event-types.ts',
  'contracts/ledger-types.ts',
  'contracts/money.ts',
  'contracts/order-states.ts',
  'limits/refused-users.ts',
  'limits/user-policy.ts',
  'messaging/retention/policy.ts',
  'operator/reconcile/findings.ts',
  'operator/reconcile/stuck-stage.ts',
  'operator/stuck/advice.ts',
  'orders-api/place-order.ts',
  'orders-api/refund-order.ts',
  'orders-api/push/connection-counts.ts',
  'orders-api/push/multimap.ts',
  'orders-api/push/pace.ts',
  'orders-api/push/subscription-set.ts',
  'orders-api/push/subscriptions.ts',
  'orders-api/push/user-subscription.ts',
  'orders-api/timeline.ts',
  'orders-consumer/retry-policy.ts',
  'orders-consumer/settle-orders.ts',
  'payments-api/top-up.ts',
  'payments-consumer/charge-orders.ts',
  'payments-consumer/decide-requests.ts',
  'payments-consumer/refund-orders.ts',
]

/**
 * Where a process may ask its own clock: for what tells people when, in events and headers. What
 * decides, and what is stored as state, is timed by the database: its clock is everybody's.
 */
const clocks = [
  'messaging/broker/confirm-tracker.ts',
  'messaging/inbox/dead-letter.ts',
  'messaging/inbox/decode.ts',
  'messaging/outbox/relay.ts',
  'orders-api/accept-refund.ts',
  'orders-api/insert-placed-orders.ts',
  'orders-consumer/payment-request-retry.ts',
  'payments-consumer/handle-batch.ts',
  'principal/principal.ts',
]

interface Source {
  path: string
  folder: string
  text: string
  isTest: boolean
  imports: { from: string; isType: boolean }[]
}

const importing =
  /^(?:import|export)\s+(type\s)?[^'"]*?\bfrom\s+'([^']+)'|\bimport\(\s*'([^']+)'|^import\s+'([^']+)'/gm

/** Folders that are tests as a whole. */
const isLaboratory = (folder: string) => folder === 'tests' || folder === 'reliability'

const sources: Source[] = globSync('**/*.{ts,js,mjs}', {
  exclude: (name) => ['node_modules', '.local', '.git'].includes(name),
}).map((path) => {
  const text = readFileSync(path, 'utf8')
  const imports = [...text.matchAll(importing)].map(([, type, from, dynamic, bare]) => ({
    from: from ?? dynamic ?? bare ?? '',
    isType: type !== undefined,
  }))
  const folder = path.includes('/') ? path.slice(0, path.indexOf('/')) : '.'
  return { path, folder, text, imports, isTest: path.endsWith('.test.ts') || isLaboratory(folder) }
})
const code = sources.filter(({ isTest, folder }) => !isTest && folder !== '.' && folder !== 'bench')

/** Every broken rule in one list, so that a failing test names them all. */
const faults = (files: Source[], check: (source: Source) => (string | false)[]) =>
  files.flatMap((source) =>
    check(source).flatMap((fault) => (fault ? `${source.path}: ${fault}` : [])),
  )

describe('architecture', () => {
  it('was really read: every folder has sources with imports', () => {
    for (const folder of Object.keys(crossings)) {
      const found = sources.filter((source) => source.folder === folder)
      assert.ok(found.length > 0, `no sources in ${folder}`)
      assert.ok(
        found.some(({ imports }) => imports.length > 0),
        `no imports read in ${folder}`,
      )
    }
    const folders = new Set(sources.map(({ folder }) => folder))
    folders.delete('.')
    assert.deepEqual([...folders].sort(), Object.keys(crossings).sort())
  })

  it('crosses from folder to folder only where the table allows it', () => {
    const broken = faults(sources, ({ folder, isTest, imports }) =>
      imports.map(({ from }) => {
        if (!from.startsWith('#')) return false
        const allowed = [...(crossings[folder] ?? []), ...(isTest ? forTests : [])]
        return !allowed.some((prefix) => from.startsWith(prefix)) && `imports ${from}`
      }),
    )
    assert.deepEqual(broken, [])
  })

  it('imports by a relative path inside a top-level folder, and by # from another one', () => {
    const broken = faults(sources, ({ path, folder, imports }) =>
      imports.map(({ from }) => {
        if (from.startsWith(`#${folder}/`)) return `imports ${from}, of its own folder`
        if (!from.startsWith('.') || folder === '.') return false
        const target = new URL(from, `file:///${path}`).pathname
        return !target.startsWith(`/${folder}/`) && `imports ${from}`
      }),
    )
    assert.deepEqual(broken, [])
  })

  it('has one owner for each package', () => {
    const broken = faults(code, ({ path, imports }) =>
      imports.map(({ from }) => {
        const name = Object.keys(owners).find(
          (name) => from === name || from.startsWith(`${name}/`),
        )
        const isOwner = name === undefined || owners[name]?.test(path)
        return !isOwner && !path.startsWith('local/') && `imports ${from}`
      }),
    )
    assert.deepEqual(
      broken.filter((fault) => !isTypeOnly(fault)),
      [],
    )
  })

  it('opens every connection to a database as a session that states its settings', () => {
    const broken = faults(code, ({ text }) => [
      /new pg\.Client\(/.test(text) && 'opens a pg.Client, not a SessionClient',
      /new pg\.Pool\(/.test(text) && !text.includes('Client: SessionClient') && 'pools pg.Clients',
    ])
    assert.deepEqual(broken, [])
  })

  it('builds the chassis in layers', () => {
    const layerOf = (name: string) => layers.findIndex((layer) => layer.includes(name))
    const broken = faults(
      code.filter(({ folder }) => folder === 'chassis'),
      ({ path, imports }) =>
        imports.map(({ from }) => {
          if (!from.startsWith('.')) return false
          const name = path.split(/[/.]/)[1] ?? ''
          const target = new URL(from, `file:///${path}`).pathname.split(/[/.]/)[2] ?? ''
          assert.notEqual(layerOf(name), -1, `${path} is in no layer`)
          assert.notEqual(layerOf(target), -1, `${from} is in no layer`)
          return layerOf(target) > layerOf(name) && `imports ${from}, of a later layer`
        }),
    )
    assert.deepEqual(broken, [])
  })

  it('keeps the chassis small', () => {
    const own = code.filter(({ folder }) => folder === 'chassis')
    const lines = own.reduce((sum, { text }) => sum + text.split('\n').length - 1, 0)
    assert.ok(lines > 1_000 && lines <= 1_600, `${lines} lines: move what one folder alone needs`)
  })

  it('can be followed from POST to WebSocket in 35 files, which ARCHITECTURE.md names', () => {
    const text = readFileSync('ARCHITECTURE.md', 'utf8')
    const section = text.slice(text.indexOf('### Files to read')).split('\n\n')[2] ?? ''
    const named = [...section.matchAll(/`([^`{]*)(?:\{([^}]*)\})?([^`]*)`/g)].flatMap(
      ([, start = '', names = '', end = '']) => names.split(',').map((name) => start + name + end),
    )
    const paths = new Set(sources.map(({ path }) => path))
    assert.deepEqual(
      named.filter((path) => !paths.has(path)),
      [],
    )
    assert.ok(named.length > 20 && named.length <= 35, `${named.length} files`)
  })

  it('retries the turn of a relay whatever has failed, as ARCHITECTURE.md says', () => {
    const actions = Object.values(failureColumn('relay, payment request retry'))
    assert.deepEqual(actions, Array(5).fill('retry the turn'))
    const turns = code.filter(({ path }) =>
      /^messaging\/outbox\/|consumer\/payment-request-retry\.ts$/.test(path),
    )
    assert.ok(turns.length > 3)
    const choosing = faults(turns, ({ imports }) =>
      imports.map(({ from }) => from.endsWith('/errors.ts') && 'tells one failure from another'),
    )
    assert.deepEqual(choosing, [])
  })

  it('keeps SQL in rows.ts', () => {
    const statement = /(?<!\.)\bsql`|\bsql<|\.(selectFrom|insertInto|updateTable|deleteFrom)\(/
    const broken = faults(code, ({ path, text }) => [
      !/rows\.ts$|^chassis\/database\/|^messaging\/(example|notifications)\//.test(path) &&
        statement.test(text) &&
        'has SQL',
    ])
    assert.deepEqual(broken, [])
  })

  it('says in each query of an API about users who asks', () => {
    const queries = code
      .filter(({ path }) => /^(?:orders|payments)-api\/.*rows\.ts$/.test(path))
      .flatMap(({ text }) => [
        ...text.matchAll(/^export const (\w+) = (?:async )?\(([\s\S]*?) =>/gm),
      ])
      .map(([, name = '', parameters = '']) => ({ name, parameters }))
    assert.ok(queries.length > 12)
    const ofNobody = queries.filter(
      ({ parameters }) => !/^\s*principal: Principal,|\bOwnUserId\b/.test(parameters),
    )
    assert.deepEqual(ofNobody.map(({ name }) => name).sort(), [
      'pingAccounts',
      'pingOrders',
      'readTime',
      'readTraceparents',
    ])
  })

  it('names each statement of a process by its function, in a comment of its SQL', () => {
    const rows = code.filter(
      ({ path, folder }) =>
        path.endsWith('rows.ts') &&
        (folder in processes || ['messaging', 'idempotency', 'limits', 'metrics'].includes(folder)),
    )
    const statement = /\bsql[`<]|\.(selectFrom|insertInto|updateTable|deleteFrom)\(/
    const known = new Set<string>()
    const broken = faults(rows, ({ text }) =>
      text.split(/^(?=export )/m).map((part) => {
        const [, name] = /^export (?:const|(?:async )?function) (\w+)/.exec(part) ?? []
        if (!name || !statement.test(part)) return false
        const isTwice = known.has(name)
        known.add(name)
        const tags = [...part.matchAll(/\/\* (\w+) \*\//g)].map(([, tag]) => tag)
        if (tags.length !== 1 || tags[0] !== name) return `needs the comment /* ${name} */ once`
        return isTwice && `has ${name}, as another file does: two statements of one name`
      }),
    )
    assert.deepEqual(broken, [])
    assert.ok(known.size > 40)
  })

  it('says only in the tables of contracts/ which states, events and entries there are', () => {
    const anyOf = (names: string[]) => `'(?:${names.join('|')})'`
    const state = anyOf(orderStatuses)
    const name = anyOf([...orderStatuses, ...allEventTypes, ...allLedgerTypes])
    const twoWays = {
      'compares with a pending state: isPending(status)': `[!=]==? ${anyOf(pendingStatuses)}`,
      'takes all other names for one: a Record of them, or a switch': `[!=]==? ${name} \\?`,
      'compares a state in SQL: status IN (${sql.raw(…)}), of #tables/orders.ts': `(?:WHERE|AND|OR|WHEN) (?:\\w+\\.)?status (?:=|<>|IN \\() ?${state}`,
      'takes all other entries for one sign: signedAmount of #tables/payments.ts':
        'CASE type .* ELSE',
      'lists states: contracts/order-states.ts': `${state}(?:,| \\|)\\s+${state}`,
    }
    const broken = faults(
      sources.filter(({ path }) => !/\.(?:test|e2e)\.ts$/.test(path)),
      ({ text }) =>
        Object.entries(twoWays).map(([fault, pattern]) => new RegExp(pattern).test(text) && fault),
    )
    assert.deepEqual(broken, [])
    for (const [pattern, example] of [
      "if (status !== 'PAYMENT_PENDING')",
      "type === 'TOPUP' ? 1 : -1",
      "WHERE orders.status <> 'PAYMENT_PENDING'",
      "CASE type WHEN 'TOPUP' THEN amount ELSE -amount END",
      "status: 'PAID' | 'PAYMENT_FAILED'",
    ].map((example, index) => [Object.values(twoWays)[index], example] as const)) {
      assert.match(example, new RegExp(pattern ?? ''))
    }
  })

  it('keeps the client free of everything else, so that it can be taken along', () => {
    const client = code.filter(({ path }) => path.startsWith('client/'))
    assert.ok(client.length > 3)
    const broken = faults(client, ({ imports }) =>
      imports.map(({ from, isType }) => {
        const isOwn = /^\.\/[a-z-]+\.ts$/.test(from)
        return !isType && !isOwn && `imports ${from}`
      }),
    )
    assert.deepEqual(broken, [])
  })

  it('asks the clock of the process only for what informs', () => {
    const asking = code.filter(
      ({ path, folder, text }) =>
        (folder === 'chassis' ||
          folder === 'messaging' ||
          folder === 'principal' ||
          folder in processes ||
          path.endsWith('rows.ts')) &&
        /\bDate\.now\(|\bnew Date\(\)/.test(text),
    )
    assert.deepEqual(asking.map(({ path }) => path).sort(), clocks)
  })

  it('runs every test file that a script of package.json names', () => {
    const { scripts } = JSON.parse(readFileSync('package.json', 'utf8'))
    const named = Object.values<string>(scripts)
      .flatMap((script) => /\bmocha (.*)/.exec(script)?.[1]?.split(' ') ?? [])
      .map((pattern) => pattern.replaceAll("'", ''))
    assert.ok(named.length > 10)
    // Mocha takes braces without a star for a name of a file, warns that there is none, and goes on.
    const found = (pattern: string) =>
      pattern.includes('*') ? globSync(pattern).length > 0 : existsSync(pattern)
    assert.deepEqual(
      named.filter((pattern) => !found(pattern)),
      [],
    )
  })

  it('keeps the cores pure', () => {
    const impure =
      /\bawait\b|\basync\b|\bDate\.now\b|\bnew Date\(|Math\.random|performance\.|setTimeout/
    for (const path of cores) {
      const core = sources.find((source) => source.path === path)
      assert.ok(core, `${path} is gone`)
      assert.ok(!impure.test(core.text), `${path} has a clock or a wait`)
      const values = core.imports.filter(({ isType }) => !isType)
      const others = values.filter(({ from }) => !cores.includes(fileOf(path, from)))
      assert.deepEqual(others, [], `${path} imports values of others than cores`)
    }
  })
})

/** The file that an import of a file means. */
const fileOf = (path: string, from: string) =>
  from.startsWith('#') ? from.slice(1) : join(dirname(path), from)

/** A type of a package may be named anywhere: it is gone at run time. */
function isTypeOnly(fault: string): boolean {
  const [path, from] = fault.split(': imports ')
  const source = sources.find((candidate) => candidate.path === path)
  return source?.imports.some((found) => found.from === from && found.isType) ?? false
}
