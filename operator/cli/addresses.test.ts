import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Caller, findAddresses, repositoryDir } from './addresses.ts'

const viewer = (env: NodeJS.ProcessEnv): Caller => ({ env, role: 'operator-viewer' })
const editor = (env: NodeJS.ProcessEnv): Caller => ({ env, role: 'operator-editor' })
const written = (login: string) => ({
  amqp_url: `amqp://${login}`,
  orders_database_url: `postgres://${login}`,
  payments_database_url: `postgres://${login}`,
})
const read = (login: string) => ({
  amqp: `amqp://${login}`,
  ordersDatabase: `postgres://${login}`,
  paymentsDatabase: `postgres://${login}`,
})

describe('the addresses of the operator', () => {
  let dir = ''
  const write = (name: string, value: object) =>
    writeFileSync(join(dir, 'run', name), JSON.stringify(value))

  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'addresses-'))
    mkdirSync(join(dir, 'run'))
    write('addresses.json', written('admin'))
  })
  afterEach(() => rmSync(dir, { recursive: true }))

  it('are read in the folder of the repository, where npm start writes them', () => {
    assert.ok(existsSync(join(repositoryDir, 'package.json')), repositoryDir)
  })

  it('are those of the local stack when the environment has none, for the role of the command', () => {
    const roles = { 'operator-viewer': written('viewer'), 'operator-editor': written('editor') }
    write('roles.json', roles)
    assert.deepEqual(findAddresses(viewer({ LOCAL_DIR: dir }), 'amqp'), read('viewer'))
    assert.deepEqual(findAddresses(editor({ LOCAL_DIR: dir }), 'amqp'), read('editor'))
  })

  it('are those of a local stack that an earlier version has started, which has no roles', () => {
    assert.deepEqual(findAddresses(viewer({ LOCAL_DIR: dir }), 'amqp'), read('admin'))
  })

  it('are those of the environment, of which a command that acts may have its own', () => {
    const env = {
      LOCAL_DIR: dir,
      AMQP_URL: 'amqp://looks',
      ORDERS_DATABASE_URL: 'postgres://both',
      OPERATOR_EDITOR_AMQP_URL: 'amqp://acts',
    }
    const find = (caller: Caller) => findAddresses(caller, 'amqp', 'ordersDatabase')
    const ordersDatabase = 'postgres://both'
    assert.deepEqual(find(viewer(env)), { amqp: 'amqp://looks', ordersDatabase })
    assert.deepEqual(find(editor(env)), { amqp: 'amqp://acts', ordersDatabase })
  })

  it('are those in the files that the environment names', () => {
    const file = (name: string, url: string) => {
      writeFileSync(join(dir, name), `${url}\n`)
      return { [`${name}_FILE`]: join(dir, name) }
    }
    const env = { LOCAL_DIR: dir, ...file('AMQP_URL', 'amqp://looks') }
    assert.deepEqual(findAddresses(viewer(env), 'amqp'), { amqp: 'amqp://looks' })
    const both = { ...env, ...file('OPERATOR_EDITOR_AMQP_URL', 'amqp://acts') }
    assert.deepEqual(findAddresses(editor(both), 'amqp'), { amqp: 'amqp://acts' })
  })
})
