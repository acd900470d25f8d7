import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { isGiven, readConfig, type Variable } from '#chassis/config.ts'
import { deletePostgresVariables } from '#chassis/database/shell-variables.ts'
import { postgresUrl } from '#chassis/server-urls.ts'
import { brokerUrl } from '#messaging/broker/address.ts'

/** The folder of package.json and `.local`. */
export const repositoryDir = resolve(import.meta.dirname, '../..')

/** The URLs of the servers. */
export interface Addresses {
  amqp: string
  ordersDatabase: string
  paymentsDatabase: string
}

/** Who asks for addresses: a command that looks, or one that acts. */
export interface Caller {
  env: NodeJS.ProcessEnv
  role: 'operator-viewer' | 'operator-editor'
}

type Variables = { [K in keyof Addresses]: Variable<string> }

const variables: Variables = {
  amqp: brokerUrl('AMQP_URL'),
  ordersDatabase: postgresUrl('ORDERS_DATABASE_URL'),
  paymentsDatabase: postgresUrl('PAYMENTS_DATABASE_URL'),
}

/** For commands that act; without them, those commands use the same URLs as the others. */
const editorVariables: Variables = {
  amqp: brokerUrl('OPERATOR_EDITOR_AMQP_URL'),
  ordersDatabase: postgresUrl('OPERATOR_EDITOR_ORDERS_DATABASE_URL'),
  paymentsDatabase: postgresUrl('OPERATOR_EDITOR_PAYMENTS_DATABASE_URL'),
}

/**
 * The URLs that a command needs: all from the environment if it has any of them, otherwise all of
 * the local stack. Never a mixture, since the databases of two installations never agree. Throws an
 * Error whose message says what to do.
 */
export function findAddresses<K extends keyof Addresses>(
  { env, role }: Caller,
  ...needed: K[]
): Pick<Addresses, K> {
  const local = addressesIn(env, 'addresses.json')
  const isLocal = (key: keyof Addresses) => {
    const { name } = variables[key]
    return !isGiven(env, name) || env[name] === local?.[key] // .env may name those of the local stack
  }
  if (local && Object.keys(variables).every((key) => isLocal(key as keyof Addresses))) {
    return addressesIn(env, 'roles.json', role) ?? local
  }

  const isNamed = Object.values(variables).some(({ name }) => isGiven(env, name))
  if (!isNamed) {
    const names = needed.map((key) => variables[key].name).join(', ')
    throw new Error(`No stack is running here: start it with npm start, or set ${names}`)
  }
  const variableOf = (key: K) =>
    role === 'operator-editor' && isGiven(env, editorVariables[key].name)
      ? editorVariables[key]
      : variables[key]
  const wanted = needed.map((key) => [key, variableOf(key)])
  return readConfig(env, Object.fromEntries(wanted)) as Pick<Addresses, K>
}

/** The URLs that the local stack wrote when it was ready; undefined if there are none. */
function addressesIn(
  env: NodeJS.ProcessEnv,
  name: 'addresses.json' | 'roles.json',
  role?: Caller['role'],
): Addresses | undefined {
  const file = join(resolve(repositoryDir, env.LOCAL_DIR || '.local'), 'run', name)
  if (!existsSync(file)) return undefined
  const all = JSON.parse(readFileSync(file, 'utf8'))
  const found = role ? all[role] : all
  return {
    amqp: found.amqp_url,
    ordersDatabase: found.orders_database_url,
    paymentsDatabase: found.payments_database_url,
  }
}

/**
 * The environment with the variables of `.env`, without those of PostgreSQL's own (PGHOST …). A
 * variable of the environment takes precedence over the same one in `.env`.
 */
export function readEnvironment(): NodeJS.ProcessEnv {
  const file = join(repositoryDir, '.env')
  if (existsSync(file)) process.loadEnvFile(file)
  deletePostgresVariables(process.env)
  return process.env
}
