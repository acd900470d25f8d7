import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { useCertificates } from '#testing/certificates.ts'
import { readConfig } from './config.ts'
import { amqpUrl, postgresUrl } from './server-urls.ts'

describe('the certificates of a URL', () => {
  const { dir, authority } = useCertificates()
  const { ca, issue } = authority('authority')
  const [mine, other] = [issue('mine', 'DNS:localhost'), issue('other', 'DNS:localhost')]
  const garbage = join(dir, 'garbage')
  writeFileSync(garbage, 'no PEM')
  const variables = { database: postgresUrl('DATABASE_URL'), broker: amqpUrl('AMQP_URL') }
  const good = { DATABASE_URL: 'postgres://server/db', AMQP_URL: 'amqps://broker' }
  const said = (env: Partial<typeof good>): string => {
    try {
      readConfig(Object.assign({}, good, env), variables)
      return ''
    } catch (error) {
      return (error as Error).message.split('\n  ')[1] ?? ''
    }
  }
  const database = (query: string) => said({ DATABASE_URL: `postgres://server/db?${query}` })
  const broker = (query: string) => said({ AMQP_URL: `amqps://broker/vhost?${query}` })

  it('are files that are there', () => {
    assert.equal(database(`sslrootcert=${ca}&sslcert=${mine.cert}&sslkey=${mine.key}`), '')
    assert.equal(broker(`cacertfile=${ca}&certfile=${mine.cert}&keyfile=${mine.key}`), '')
  })

  it('are refused at the start when one is missing, and named', () => {
    assert.equal(
      database('sslrootcert=/missing.pem'),
      'DATABASE_URL is refused: sslrootcert /missing.pem cannot be read: ENOENT',
    )
    assert.equal(
      broker('cacertfile=/missing.pem'),
      'AMQP_URL is refused: cacertfile /missing.pem cannot be read: ENOENT',
    )
    assert.match(broker(`certfile=${mine.cert}`), /certfile and keyfile go together$/)
  })

  it('are refused when no connection could be opened with them', () => {
    assert.match(database(`sslrootcert=${garbage}`), /sslrootcert has no certificate in PEM$/)
    assert.match(
      broker(`certfile=${garbage}&keyfile=${mine.key}`),
      /cannot be used: .*no start line/i,
    )
    assert.match(
      broker(`certfile=${mine.cert}&keyfile=${other.key}`),
      /cannot be used: .*mismatch/i,
    )
  })

  it('are not for a URL without TLS', () => {
    assert.match(said({ AMQP_URL: `amqp://broker?cacertfile=${ca}` }), /use amqps:\/\/$/)
  })

  for (const query of [
    'sslmode=no-verify',
    'ssl=no-verify',
    'sslmode=require&uselibpqcompat=true',
  ]) {
    it(`are never left unverified in PostgreSQL: ${query}`, () => {
      assert.match(database(query), /DATABASE_URL is refused: .*use sslmode=verify-full$/)
    })
  }

  it('are never left unverified in RabbitMQ', () => {
    assert.match(broker('verify=verify_none'), /AMQP_URL is refused: .*verify_none/)
  })
})
