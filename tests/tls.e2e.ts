import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { useBroker } from '#testing/broker.ts'
import { useCertificates } from '#testing/certificates.ts'
import { useDatabase } from '#testing/database.ts'
import { useResources } from '#testing/resources.ts'
import { startStack } from '#testing/stack.ts'
import { tlsProxyTo } from '#testing/tls-proxy.ts'

/** A program that trusts whom Node is told to trust: calls, and the WebSocket. */
const program = `
  import { Client } from './client/client.ts'
  const client = new Client({ gateway: process.argv[1] })
  await client.createAccount('alice')
  await client.topUp('alice', '9.00')
  const { order_id } = await client.placeOrder('alice', '2.00')
  const following = client.follow({
    onOrder: ({ status }) => {
      if (status.endsWith('_PENDING')) return
      console.log(status)
      following.close()
    },
  })
  following.order(order_id)
`

describe('a stack that is reached by TLS, and reaches its servers so', function () {
  this.timeout(240_000)
  const [orders, payments] = [useDatabase('orders'), useDatabase('payments')]
  const broker = useBroker()
  const use = useResources()
  const { dir, authority } = useCertificates()
  const run = promisify(execFile)

  it('pays an order, and the operator agrees', async () => {
    const { ca, issue } = authority('authority')
    const certificate = issue('server', 'IP:127.0.0.1')
    const { cert, key } = issue('client', 'DNS:client')
    const viaTls = async (url: string, parameters: Record<string, string>) =>
      use(await tlsProxyTo(url, { certificate, clientCa: ca })).url(parameters)
    const ofPostgres = { sslmode: 'verify-full', sslrootcert: ca, sslcert: cert, sslkey: key }
    const ofRabbitmq = { cacertfile: ca, certfile: cert, keyfile: key }
    const secret = join(dir, 'amqp_url')
    writeFileSync(secret, `${await viaTls(broker.url, ofRabbitmq)}\n`)
    const stack = await startStack({
      env: {
        ORDERS_DATABASE_URL: await viaTls(orders.url, ofPostgres),
        PAYMENTS_DATABASE_URL: await viaTls(payments.url, ofPostgres),
        AMQP_URL_FILE: secret,
        ...{ GATEWAY_TLS_CERT_FILE: certificate.cert, GATEWAY_TLS_KEY_FILE: certificate.key },
      },
    })
    try {
      const args = ['--input-type=module', '--eval', program, stack.gateway]
      const env = { PATH: process.env.PATH, NODE_EXTRA_CA_CERTS: ca }
      assert.equal((await run(process.execPath, args, { env })).stdout, 'PAID\n')
      const asked = { env: { PATH: process.env.PATH, LOCAL_DIR: stack.dir } }
      const { stdout } = await run(
        process.execPath,
        ['operator/main.ts', 'reconcile', '--json'],
        asked,
      )
      assert.deepEqual(JSON.parse(stdout), { findings: [] })
    } finally {
      assert.equal(await stack.stop(), 0)
    }
  })
})
