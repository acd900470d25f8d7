import assert from 'node:assert/strict'
import { existsSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePorts } from '#testing/free-ports.ts'
import { startPostgres, startRabbitmq } from '#testing/private-servers.ts'
import { preparePaths } from '../stack/paths.ts'
import { removeState } from '../stack/remove-state.ts'
import { ownProcesses } from '../supervisor/own-processes.ts'
import { acceptsConnections, answersOk } from '../supervisor/probe.ts'
import { portError } from './port-check.ts'

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

describe('removeState', () => {
  it('removes the folder, and the one outside of it', async () => {
    const { sharedDir } = preparePaths(dir)
    await removeState(dir)
    assert.equal(existsSync(dir), false)
    assert.equal(existsSync(sharedDir), false)
  })
})
