import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { amqpUrl, postgresUrl, readConfig, type Variable } from '#chassis/config.ts'
import { deletePostgresVariables } from '#chassis/database/shell-variables.ts'

/** The folder of package.json and `.local`. */
export const repositoryDir = resolve(import.meta.dirname, '../..')

/** The URLs of the servers. */
export interface Addresses {
  amqp: string
  ordersDatabase: string
  paymentsDatabase: string
}

const variables: { [K in keyof Addresses]: Variable<string> } = {
  amqp: amqpUrl('AMQP_URL'),
  ordersDatabase: postgresUrl('ORDERS_DATABASE_URL'),
  paymentsDatabase: postgresUrl('PAYMENTS_DATABASE_URL'),
}

/**
 * The URLs that a command needs: all from the environment if it has any of them, otherwise all of
 * the local stack. Never a mixture, since the databases of two installations never agree. Throws an
 * Error whose message says what to do.
 */
export function findAddresses<K extends keyof Addresses>(
  env: NodeJS.ProcessEnv,
  ...needed: K[]
): Pick<Addresses, K> {
  const local = localStack(env)
  const isLocal = (key: keyof Addresses) => {
    const url = env[variables[key].name]
    return !url || url === local?.[key] // .env may name servers that the local stack uses
  }
  if (local && Object.keys(variables).every((key) => isLocal(key as keyof Addresses))) return local

  const isNamed = Object.values(variables).some(({ name }) => env[name])
  if (!isNamed) {
    const names = needed.map((key) => variables[key].name).join(', ')
    throw new Error(`No stack is running here: start it with npm start, or set ${names}`)
  }
  const wanted = needed.map((key) => [key, variables[key]])
  return readConfig(env, Object.fromEntries(wanted)) as Pick<Addresses, K>
}

/** The URLs that the local stack wrote when it was ready; undefined if there are none. */
function localStack(env: NodeJS.ProcessEnv): Addresses | undefined {
  const file = join(resolve(repositoryDir, env.LOCAL_DIR || '.local'), 'run/addresses.json')
  if (!existsSync(file)) return undefined
  const found = JSON.parse(readFileSync(file, 'utf8'))
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
