import assert from 'node:assert/strict'
import { neededPorts } from './busy-ports.ts'
import { parseScale } from './options.ts'
import { portsFrom } from './ports.ts'
import type { Settings } from './settings.ts'

const settings: Omit<Settings, 'signIn'> = {
  paths: { stateDir: '', sharedDir: '', runDir: '', logsDir: '' },
  ports: portsFrom(18_000),
  gatewayHost: '127.0.0.1',
  gatewayPort: 8_080,
  scale: parseScale(['orders-consumer=2', 'payments-relay=0']),
  fromSource: false,
  auth: false,
  rateLimitPerSecond: 0,
  logLevel: 'info',
  external: {},
}

const purposes = (external: Settings['external']) =>
  neededPorts({ ...settings, external }).map(({ purpose }) => purpose)

describe('neededPorts', () => {
  it('names the variable that moves a port', () => {
    const [gateway, postgres] = neededPorts(settings)
    assert.deepEqual(gateway, { port: 8_080, purpose: 'gateway', variable: 'GATEWAY_PORT' })
    assert.equal(postgres?.variable, 'LOCAL_PORT_BASE')
  })

  it('follows the scale', () => {
    assert.ok(purposes({}).includes('orders-consumer.2'))
    assert.ok(!purposes({}).includes('payments-relay'))
  })

  it('needs no port for an external server', () => {
    const url = 'amqp://elsewhere'
    assert.ok(!purposes({ amqp: url }).some((purpose) => /RabbitMQ|epmd/.test(purpose)))
  })

  it('needs PostgreSQL while one of the two databases is not external', () => {
    const [ordersDatabase, paymentsDatabase] = ['postgres://a/b', 'postgres://a/c']
    assert.ok(purposes({ ordersDatabase }).includes('PostgreSQL'))
    assert.ok(!purposes({ ordersDatabase, paymentsDatabase }).includes('PostgreSQL'))
  })
})
