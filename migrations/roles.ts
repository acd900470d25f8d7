import { createHash } from 'node:crypto'
import type { SessionClient } from '#chassis/database/session.ts'
import { creationSql, grantSql, identifier } from '#roles/database.ts'
import { type Passwords, withLogin } from '#roles/login.ts'
import { scramVerifier } from '#roles/scram.ts'
import { logins, owner, type Service } from '#roles/table.ts'
import { exclusively } from './lock.ts'
import { type Target, withTarget } from './target.ts'

type Urls = Record<Service, string>

/**
 * As administrator, creates the roles of both databases with their passwords, and gives the schemas
 * to their owner. Returns the URLs of the owner. Several at once wait for each other: roles belong
 * to the whole server, and PostgreSQL lets nobody change one twice at a time.
 */
export function createRoles(urls: Urls, passwords: Passwords): Promise<Urls> {
  return withTarget(urls.orders, 'orders', async (orders) => {
    await orders.session.query(`SELECT pg_advisory_lock(${rolesLock})`)
    return {
      orders: await createIn(orders, urls.orders, passwords),
      payments: await withTarget(urls.payments, 'payments', (payments) =>
        createIn(payments, urls.payments, passwords),
      ),
    }
  })
}

/** A number of our own among the advisory locks of the database. */
const rolesLock = createHash('sha256').update('orders-payments roles').digest().readInt32BE()

async function createIn(target: Target, url: string, passwords: Passwords): Promise<string> {
  const { service, session } = target
  const schema = target.migrationsSchema ?? target.schema
  const { rows } = await session.query<{ database: string }>(
    'SELECT current_database() AS database',
  )
  const database = rows[0]?.database ?? ''
  const passwordSql = logins.map(
    (login) =>
      `ALTER ROLE ${identifier(login)} LOGIN PASSWORD '${scramVerifier(passwords[login])}'`,
  )
  await exclusively(session, () =>
    inTransaction(session, [...creationSql({ service, database, schema }), ...passwordSql]),
  )
  return inSchema(withLogin(url, owner, passwords[owner]), schema)
}

/** The schema may have been that of the former user's own name. */
function inSchema(url: string, schema: string): string {
  const own = new URL(url)
  if (schema !== 'public' && !own.searchParams.has('options')) {
    own.searchParams.set('options', `-c search_path=${schema}`)
  }
  return own.href
}

/**
 * As owner, gives the roles what the table says and takes the rest away, at one moment: a process
 * that works meanwhile loses no right that it keeps. Any other user has one login for everything,
 * and nothing is granted.
 */
export async function grantRights({ service, session, ...target }: Target): Promise<void> {
  const { rows } = await session.query<{ name: string }>('SELECT current_user AS name')
  if (rows[0]?.name !== owner) return
  await inTransaction(session, grantSql(service, target.migrationsSchema ?? target.schema))
}

/** Statements that are sent together are one transaction. */
async function inTransaction(session: SessionClient, statements: string[]): Promise<void> {
  await session.query(statements.join(';\n'))
}
