import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { sql } from 'kysely'
import { connectDatabase } from '#chassis/database/connect.ts'
import { processNames } from '#local/stack/ports.ts'
import { brokerRoles } from '#roles/broker.ts'
import { eventually } from '#testing/eventually.ts'
import { useStack } from '#testing/shared-stack.ts'

/** Of each command, and whether it may change anything. */
const commands = [
  ['status', 'looks'],
  ['reconcile', 'looks'],
  ['trace 01a204a8-a487-7674-9c13-22c4dabdca86', 'looks'],
  ['dlq list', 'looks'],
  ['dlq show nobody', 'looks'],
  ['dlq redrive --all --dry-run', 'looks'],
  ['dlq discard --all --dry-run', 'looks'],
  ['reconcile --repair', 'acts'],
  ['dlq redrive nobody', 'acts'],
  ['dlq discard nobody', 'acts'],
] as const

describe('the roles, on the running stack', function () {
  this.timeout(120_000)
  const stack = useStack()

  it('are those of the sessions of each process in PostgreSQL: none is an administrator', async () => {
    const db = connectDatabase<unknown>({ name: 'onlooker', url: stack.orders_database_url })
    try {
      await eventually(async () => {
        await fetch(`${stack.gateway}/accounts/nobody`) // who has nothing to do closes its sessions
        const { rows } = await sql<{ process: string; role: string; is_superuser: boolean }>`
          SELECT DISTINCT split_part(application_name, ' ', 1) AS process, usename::text AS role,
                 rolsuper AS is_superuser
          FROM pg_stat_activity JOIN pg_roles ON rolname = usename
          WHERE split_part(application_name, ' ', 1) = ANY (${processNames}::text[])
        `.execute(db)
        const wrong = rows.filter((one) => one.is_superuser || one.process !== one.role)
        assert.deepEqual(wrong, [])
        return rows.length === processNames.length
      })
    } finally {
      await db.close()
    }
  })

  it('are those of the connections of each process to RabbitMQ', async () => {
    const { origin, username, password } = new URL(stack.rabbitmq_management)
    const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
    const expected = brokerRoles.filter((role) =>
      (processNames as readonly string[]).includes(role),
    )
    await eventually(async () => {
      const response = await fetch(`${origin}/api/connections`, { headers: { authorization } })
      const found = (await response.json()) as { user: string; user_provided_name?: string }[]
      const ours = found.filter(({ user_provided_name: name = '' }) =>
        /-(relay|consumer)/.test(name),
      )
      const wrong = ours.filter(
        ({ user, user_provided_name: name }) => name?.split(' ')[0] !== user,
      )
      assert.deepEqual(wrong, [])
      return expected.every((role) => ours.some(({ user }) => user === role))
    })
  })

  describe('of the operator', () => {
    /** The operator of a stack in which one of his roles has another password than he knows. */
    async function runWithout(role: string, command: string) {
      const dir = mkdtempSync(join(tmpdir(), 'orders-payments-roles-'))
      try {
        cpSync(join(stack.dir, 'run'), join(dir, 'run'), { recursive: true })
        const file = join(dir, 'run', 'roles.json')
        const roles = JSON.parse(readFileSync(file, 'utf8'))
        for (const [name, url] of Object.entries<string>(roles[role])) {
          roles[role][name] = url.replace(/:[^:@]+@/, ':wrong@')
        }
        writeFileSync(file, JSON.stringify(roles))
        const {
          AMQP_URL: _,
          ORDERS_DATABASE_URL: __,
          PAYMENTS_DATABASE_URL: ___,
          ...env
        } = process.env
        const args = ['operator/main.ts', ...command.split(' ')]
        return await promisify(execFile)(process.execPath, args, {
          env: { ...env, LOCAL_DIR: dir },
        })
          .then(() => 0)
          .catch(({ code }) => code as number)
      } finally {
        rmSync(dir, { recursive: true })
      }
    }

    for (const [command, kind] of commands) {
      const [needed, other] =
        kind === 'acts'
          ? ['operator-editor', 'operator-viewer']
          : ['operator-viewer', 'operator-editor']
      it(`${command} ${kind}: it needs ${needed} and not ${other}`, async () => {
        const [without, withIt] = await Promise.all([
          runWithout(needed, command),
          runWithout(other, command),
        ])
        assert.equal(without, 2)
        assert.ok(withIt < 2, String(withIt))
      })
    }
  })
})
