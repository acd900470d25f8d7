import assert from 'node:assert/strict'
import { existsSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import amqplib from 'amqplib'
import { brokerRoles } from '#roles/broker.ts'
import { withLogin } from '#roles/login.ts'
import { freePorts } from '#testing/free-ports.ts'
import { startPostgres, startRabbitmq } from '#testing/private-servers.ts'
import { preparePaths } from '../stack/paths.ts'
import { removeState } from '../stack/remove-state.ts'
import { ownProcesses } from '../supervisor/own-processes.ts'
import { acceptsConnections, answersOk } from '../supervisor/probe.ts'
import { portError } from './port-check.ts'
import { storedPasswords } from './stored-secret.ts'

/** A folder that other users cannot enter: the hard case for root. */
const dir = mkdtempSync(join(tmpdir(), 'local-servers-'))

after(() => removeState(dir))

describe('startPostgres', () => {
  it('restarts after kill -9, and leaves no process when stopped', async () => {
    const [port = 0] = await freePorts(1)
    const server = await startPostgres({ dir, port, databases: ['orders_db'] })
    const url = server.url('orders_db')

    const { pid } = server
    await server.kill()
    await server.restart()
    assert.notEqual(server.pid, pid)
    assert.equal(server.url('orders_db'), url)
    assert.ok(await acceptsConnections(port))

    await server.stop()
    assert.equal(await portError(port), undefined)
    assert.deepEqual(ownProcesses(preparePaths(dir)), [])
  })

  it('keeps data and password from one start to the next', async () => {
    const [port = 0] = await freePorts(1)
    const first = await startPostgres({ dir, port, databases: [] })
    await first.stop()
    const second = await startPostgres({ dir, port, databases: [] })
    await second.stop()
    assert.equal(first.url('orders_db'), second.url('orders_db'))
  })
})

describe('startRabbitmq', () => {
  it('restarts after kill -9, and leaves no process when stopped, nor its epmd', async () => {
    const [amqp = 0, management = 0, distribution = 0, epmd = 0] = await freePorts(4)
    const ports = { amqp, management, distribution, epmd }
    const server = await startRabbitmq({ dir, ports })
    assert.ok(await answersOk(`${server.managementUrl}/api/whoami`))

    await server.kill()
    assert.equal(await acceptsConnections(amqp), false)
    await server.restart()
    assert.ok(await acceptsConnections(amqp))

    await server.stop()
    assert.equal(await portError(epmd), undefined)
    assert.deepEqual(ownProcesses(preparePaths(dir)), [])
  })
})

describe('the users of a private RabbitMQ', () => {
  it('have their passwords and permissions again after each start, whatever was done to them', async () => {
    const [amqp = 0, management = 0, distribution = 0, epmd = 0] = await freePorts(4)
    const server = await startRabbitmq({ dir, ports: { amqp, management, distribution, epmd } })
    const { origin, username, password } = new URL(server.managementUrl)
    const administrator = { name: username, password }
    const call = async (login: { name: string; password: string }, path: string, init = {}) => {
      const token = Buffer.from(`${login.name}:${login.password}`).toString('base64')
      const headers = { authorization: `Basic ${token}`, 'content-type': 'application/json' }
      const response = await fetch(`${origin}/api${path}`, { headers, ...init })
      assert.ok(response.ok, `${path}: ${response.status}`)
      return response.status === 200 ? await response.json() : undefined
    }
    const permissions = () => call(administrator, '/permissions')
    const before = await permissions()
    assert.equal(before.length, 1 + brokerRoles.length)

    await call(administrator, '/users/orders-relay', { method: 'DELETE' })
    const tags = JSON.stringify({ password: 'another', tags: 'administrator' })
    await call(administrator, '/users/orders-consumer', { method: 'PUT', body: tags })
    const everything = JSON.stringify({ configure: '.*', write: '.*', read: '.*' })
    const path = '/permissions/%2F/orders-consumer'
    await call(administrator, path, { method: 'PUT', body: everything })
    await server.restart()

    assert.deepEqual(await permissions(), before)
    const users: { name: string; tags: string[] }[] = await call(administrator, '/users')
    const administrators = users.filter((one) => one.tags.length > 0).map(({ name }) => name)
    assert.deepEqual(administrators, [username])
    for (const role of brokerRoles) {
      const url = withLogin(server.url, role, storedPasswords(dir)[role])
      await (await amqplib.connect(url)).close()
    }
    await server.stop()
  })
})

describe('removeState', () => {
  it('removes the folder, and the one outside of it', async () => {
    const { sharedDir } = preparePaths(dir)
    await removeState(dir)
    assert.equal(existsSync(dir), false)
    assert.equal(existsSync(sharedDir), false)
  })
})
