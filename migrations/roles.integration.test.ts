import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { SessionClient } from '#chassis/database/session.ts'
import { type Passwords, passwordEnvironment, withLogin } from '#roles/login.ts'
import {
  type Login,
  logins,
  owner,
  type RoleName,
  rightsOf,
  roleNames,
  rolesIn,
  type TableRights,
} from '#roles/table.ts'
import { createEmptyDatabase, dropDatabase } from '#testing/database.ts'
import { postgresServer } from '#testing/servers.ts'

const services = ['orders', 'payments'] as const
type Service = (typeof services)[number]
const databaseOf = (service: Service) => `test_roles_${process.pid}_${service}`

/** With what must be encoded in a URL, and quoted in SQL. */
const passwordOf = (login: Login) => `p@ss'$$/%?#${login}`

const denied = '42501'

/** The code of the error; undefined when there is none. */
const codeOf = (work: Promise<unknown>): Promise<string | undefined> =>
  work.then(
    () => undefined,
    (error: { code?: string }) => error.code ?? String(error),
  )

describe('the roles in PostgreSQL', () => {
  const urls = {} as Record<Service, string>
  const passwords = passwordEnvironment(
    Object.fromEntries(logins.map((login) => [login, passwordOf(login)])) as Passwords,
  )

  const migrate = (args: string[]) =>
    promisify(execFile)(process.execPath, ['migrations/migrate.ts', ...args], {
      env: {
        ...{ ...process.env, ...passwords },
        ...{ ORDERS_DATABASE_URL: urls.orders, PAYMENTS_DATABASE_URL: urls.payments },
      },
    })

  /** One session, as administrator or as a role. */
  async function session<T>(
    service: Service,
    login: Login | undefined,
    work: (client: SessionClient) => Promise<T>,
  ): Promise<T> {
    const url = login ? withLogin(urls[service], login, passwordOf(login)) : urls[service]
    const client = new SessionClient({ connectionString: url })
    await client.connect()
    try {
      return await work(client)
    } finally {
      await client.end()
    }
  }
  const asAdministrator = (service: Service, ...statements: string[]) =>
    session(service, undefined, async (client) => {
      for (const statement of statements) await client.query(statement)
    })

  async function columnsOf(service: Service): Promise<Map<string, string[]>> {
    const { rows } = await session(service, undefined, (client) =>
      client.query<{ table: string; columns: string[] }>(`
        SELECT table_name AS table, array_agg(column_name::text) AS columns
        FROM information_schema.columns WHERE table_schema = 'public' GROUP BY table_name`),
    )
    return new Map(rows.map(({ table, columns }) => [table, columns]))
  }

  before('create roles, as npm start and compose do', async () => {
    const server = await postgresServer()
    for (const service of services) {
      await createEmptyDatabase(databaseOf(service))
      urls[service] = server.url(databaseOf(service))
    }
    await migrate(['--with-roles'])
  })
  after('drop them', async () => {
    for (const service of services) await dropDatabase(databaseOf(service))
    const server = await postgresServer()
    const client = new SessionClient({ connectionString: server.url('postgres') })
    await client.connect()
    for (const login of logins) await client.query(`DROP ROLE IF EXISTS "${login}"`)
    await client.end()
  })

  /** All that the table forbids and PostgreSQL allows, or the other way round. */
  async function differences(service: Service, role: RoleName): Promise<string[]> {
    const tables = await columnsOf(service)
    assert.ok(tables.size > 7)
    const rights = new Map(rightsOf(role, service))
    return session(service, role, async (client) => {
      const found: string[] = []
      for (const [table, columns] of tables) {
        for (const [statement, isAllowed] of attemptsOn(table, columns, rights.get(table) ?? {})) {
          const code = await codeOf(client.query(statement))
          if (code !== (isAllowed ? undefined : denied))
            found.push(`${statement}: ${code ?? 'done'}`)
        }
      }
      return found
    })
  }

  for (const service of services) {
    for (const role of roleNames) {
      if (!rolesIn(service).includes(role)) {
        it(`keep ${role} out of the database of ${service}`, async () => {
          assert.equal(await codeOf(session(service, role, async () => {})), denied)
        })
        continue
      }

      it(`let ${role} do in ${service} what the table says, and nothing else`, async () => {
        assert.deepEqual(await differences(service, role), [])
      })

      it(`let ${role} make, own and become nothing in ${service}`, async () => {
        await session(service, role, async (client) => {
          for (const statement of [
            'CREATE TABLE public.mine ()',
            'CREATE TEMPORARY TABLE mine ()',
            'CREATE SCHEMA mine',
            'CREATE DATABASE mine',
            'CREATE ROLE mine',
            'CREATE FUNCTION public.mine() RETURNS int LANGUAGE sql RETURN 1',
            'ALTER TABLE outbox ADD COLUMN mine int',
            'DROP TABLE outbox',
            `SET ROLE ${owner}`,
            "COPY outbox TO PROGRAM 'true'",
            'ALTER SYSTEM SET fsync = off',
            ...(service === 'payments' ? ['ALTER TABLE ledger DISABLE TRIGGER ALL'] : []),
          ]) {
            assert.equal(await codeOf(client.query(statement)), denied, statement)
          }
        })
      })
    }

    it(`give all in ${service} to ${owner}, who is no administrator`, async () => {
      const { rows } = await session(service, owner, (client) =>
        client.query<{ owner: string }>(`
          SELECT DISTINCT owner::regrole::text AS owner FROM (
            SELECT relowner FROM pg_class WHERE relnamespace = 'public'::regnamespace
            UNION SELECT proowner FROM pg_proc WHERE pronamespace = 'public'::regnamespace
            UNION SELECT typowner FROM pg_type WHERE typnamespace = 'public'::regnamespace
            UNION SELECT nspowner FROM pg_namespace WHERE nspname = 'public'
          ) AS object (owner)`),
      )
      assert.deepEqual(rows, [{ owner }])
      assert.equal(
        await codeOf(session(service, owner, (client) => client.query('CREATE ROLE x'))),
        denied,
      )
    })
  }

  it('let nobody change an entry of the ledger', () => {
    const changing = roleNames.filter((role) => {
      const { update, delete: remove } = new Map(rightsOf(role, 'payments')).get('ledger') ?? {}
      return update ?? remove
    })
    assert.deepEqual(changing, [])
  })

  it('change accounts as payments-consumer and payments-api only', () => {
    const changing = roleNames.filter((role) => {
      const rights = new Map(rightsOf(role, 'payments')).get('accounts') ?? {}
      return Object.keys(rights).some((right) => right !== 'select')
    })
    assert.deepEqual(changing, ['payments-api', 'payments-consumer'])
  })

  it('let payments-api enter top-ups only: an entry of an order is refused', async () => {
    await session('payments', 'payments-api', async (client) => {
      const entry = `INSERT INTO ledger (tx_id, user_id, type, amount, status) VALUES (uuidv7(), 'a', `
      assert.equal(await codeOf(client.query(`${entry} 'TOPUP', 1, 'SUCCESS')`)), undefined)
      assert.equal(await codeOf(client.query(`${entry} 'DEBIT', 1, 'SUCCESS')`)), '23514')
    })
  })

  describe('of an installation that had one user for everything', () => {
    before('as an earlier version left it, and then somebody was generous', async () => {
      for (const service of services) {
        await dropDatabase(databaseOf(service))
        await createEmptyDatabase(databaseOf(service))
      }
      await migrate([])
      await asAdministrator(
        'orders',
        `INSERT INTO orders (order_id, user_id, amount) VALUES (uuidv7(), 'a', 1)`,
      )
      await asAdministrator(
        'payments',
        'GRANT ALL ON ALL TABLES IN SCHEMA public TO PUBLIC, "payments-relay"',
        'GRANT UPDATE (amount) ON ledger TO "payments-consumer"',
        'GRANT CREATE ON SCHEMA public TO PUBLIC, "payments-api"',
        `GRANT CREATE, TEMPORARY ON DATABASE ${databaseOf('payments')} TO "payments-api"`,
        'ALTER ROLE "payments-api" SUPERUSER CREATEROLE PASSWORD NULL',
        `GRANT ${owner} TO "payments-api"`,
      )
      const runs = Array.from({ length: 3 }, () => migrate(['--with-roles']))
      await Promise.all(runs)
    })

    for (const service of services) {
      it(`are right in ${service} after the next migration, also of several at once`, async () => {
        for (const role of rolesIn(service)) {
          assert.deepEqual(await differences(service, role), [], role)
        }
      })
    }

    it('lose what they must not have', async () => {
      await session('payments', 'payments-api', async (client) => {
        for (const statement of [
          'CREATE TABLE public.mine ()',
          'CREATE TEMPORARY TABLE mine ()',
          'CREATE ROLE mine',
          `SET ROLE ${owner}`,
          'ALTER TABLE ledger DISABLE TRIGGER ALL',
        ]) {
          assert.equal(await codeOf(client.query(statement)), denied, statement)
        }
      })
    })

    for (const service of services) {
      it(`let ${owner} make tables in ${service} at the next migration`, () =>
        session(service, owner, (client) => client.query('CREATE TABLE mine (); DROP TABLE mine')))
    }

    it('keep the data', async () => {
      const { rows } = await session('orders', 'orders-api', (client) =>
        client.query('SELECT user_id FROM orders'),
      )
      assert.deepEqual(rows, [{ user_id: 'a' }])
    })
  })

  it('are not created without all passwords: the missing ones are named, and nothing is changed', async () => {
    delete passwords.ORDERS_API_PASSWORD
    try {
      await assert.rejects(migrate(['--with-roles']), /ORDERS_API_PASSWORD is missing/)
    } finally {
      passwords.ORDERS_API_PASSWORD = passwordOf('orders-api')
    }
  })
})

/** Statements that touch no row, for each right on a table and its columns. */
function attemptsOn(table: string, columns: string[], rights: TableRights): [string, boolean][] {
  const may = (right: 'select' | 'insert' | 'update', column: string) =>
    rights[right] === 'all' || rights[right]?.includes(column) === true
  return [
    ...columns.flatMap((column): [string, boolean][] => [
      [`SELECT ${column} FROM ${table} LIMIT 0`, may('select', column)],
      [
        `INSERT INTO ${table} (${column}) OVERRIDING SYSTEM VALUE SELECT NULL WHERE false`,
        may('insert', column),
      ],
      [`UPDATE ${table} SET ${column} = DEFAULT WHERE false`, may('update', column)],
    ]),
    [`DELETE FROM ${table} WHERE false`, rights.delete !== undefined],
    [`TRUNCATE ${table}`, false],
    [`SELECT FROM ${table} LIMIT 0 FOR UPDATE`, rights.update !== undefined],
  ]
}
