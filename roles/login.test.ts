import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { passwordVariable, withLogin } from './login.ts'
import { logins } from './table.ts'

describe('the URL of a role', () => {
  for (const [url, own] of [
    [
      'postgres://a:b@host:1/orders_db?sslmode=require',
      'postgres://orders-api:p%40%2F@host:1/orders_db?sslmode=require',
    ],
    ['postgres://host/orders_db?user=a&password=b', 'postgres://orders-api:p%40%2F@host/orders_db'],
    [
      'postgres://a@%2Frun%2Fpostgresql/orders_db',
      'postgres://orders-api:p%40%2F@%2Frun%2Fpostgresql/orders_db',
    ],
    [
      'postgres:///orders_db?host=/run&user=a',
      'postgres:///orders_db?host=%2Frun&user=orders-api&password=p%40%2F',
    ],
    ['amqps://a:b@[::1]:1/%2F', 'amqps://orders-api:p%40%2F@[::1]:1/%2F'],
  ] as const) {
    it(`is that of the server with another login: ${url}`, () => {
      assert.equal(withLogin(url, 'orders-api', 'p@/'), own)
    })
  }
})

describe('docker-compose.yml', () => {
  it('has a password for each role, and gives no process the one of an administrator', () => {
    const [, passwords = '', services = ''] =
      /\nx-passwords: &passwords\n((?: .*\n)+)[\s\S]*\nservices:\n([\s\S]*)/.exec(
        readFileSync('docker-compose.yml', 'utf8'),
      ) ?? []
    assert.deepEqual(
      [...passwords.matchAll(/^ {2}(\w+):/gm)].map(([, name]) => name).sort(),
      logins.map(passwordVariable).sort(),
    )
    const asAdministrator = services
      .split(/\n(?= {2}[a-z-]+:\n)/)
      .filter((service) => /POSTGRES_PASSWORD|RABBITMQ_PASSWORD/.test(service))
      .map((service) => service.trim().split(':')[0])
    // monitoring-role makes the role of the exporter, and ends.
    assert.deepEqual(asAdministrator, ['migrations', 'postgres', 'rabbitmq', 'monitoring-role'])
  })
})
