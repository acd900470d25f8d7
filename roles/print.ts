import { parseArgs } from 'node:util'
import { brokerCommands } from './broker.ts'
import { creationSql } from './database.ts'
import { logins, owner } from './table.ts'

const usage = `npm run roles -- (postgresql | rabbitmq) [--orders-database NAME] [--payments-database NAME] [--schema NAME] [--vhost NAME]

Prints what the administrator of your own servers runs, and changes nothing:

  postgresql  for psql: creates the roles, and asks for their passwords. Then run the migrations as the
              role ${owner}: they give each role its rights
  rabbitmq    for a shell: creates the users with their permissions, and asks for their passwords`

const options = {
  'orders-database': { type: 'string', default: 'orders_db' },
  'payments-database': { type: 'string', default: 'payments_db' },
  schema: { type: 'string', default: 'public' },
  vhost: { type: 'string', default: '/' },
  help: { type: 'boolean', short: 'h' },
} as const

/** psql asks for the passwords, and sends only what PostgreSQL stores of them. */
const forPsql = (databases: { orders: string; payments: string }, schema: string) => [
  '\\set ON_ERROR_STOP on',
  ...(['orders', 'payments'] as const).flatMap((service) => [
    `\\connect "${databases[service]}"`,
    ...creationSql({ service, database: databases[service], schema }).map((text) => `${text};`),
  ]),
  ...logins.map((login) => `\\password ${login}`),
]

function print(args: string[]): string {
  const { values, positionals } = parseArgs({ args, options, allowPositionals: true })
  const { 'orders-database': orders, 'payments-database': payments, schema, vhost } = values
  const [what] = positionals
  if (values.help) return usage
  if (what === 'postgresql') return forPsql({ orders, payments }, schema).join('\n')
  if (what === 'rabbitmq') return brokerCommands(vhost).join('\n')
  throw new Error(usage)
}

try {
  process.stdout.write(`${print(process.argv.slice(2))}\n`)
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`)
  process.exitCode = 64
}
