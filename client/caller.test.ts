import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { CallError, Client } from './client.ts'

describe('a client whose options are undefined', () => {
  const server = createServer((_, response) => {
    response.writeHead(503, { 'retry-after': '60' }).end('{}')
  })
  before(() => once(server.listen(0, '127.0.0.1'), 'listening'))
  after(() => server.close())

  it('has the defaults: it gives up in time', async () => {
    const { port } = server.address() as AddressInfo
    const none = undefined as never // as in a program without strict types
    const options = { totalTimeoutMs: none, attemptTimeoutMs: none, fetch: none }
    const client = new Client({ gateway: `http://127.0.0.1:${port}`, ...options })
    const isUnavailable = (error: unknown) => error instanceof CallError && error.status === 503
    await assert.rejects(client.getOrder('any'), isUnavailable)
    await assert.rejects(client.getOrder('any', { totalTimeoutMs: none }), isUnavailable)
  })
})
