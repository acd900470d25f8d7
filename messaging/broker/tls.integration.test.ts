import assert from 'node:assert/strict'
import { renameSync, writeFileSync } from 'node:fs'
import { reasonOf } from '#chassis/outage.ts'
import { useBroker } from '#testing/broker.ts'
import { renew, useCertificates } from '#testing/certificates.ts'
import { eventually } from '#testing/eventually.ts'
import { recordingLogger, silent } from '#testing/logger.ts'
import { useResources } from '#testing/resources.ts'
import { tlsProxyTo } from '#testing/tls-proxy.ts'
import { connectOrFail } from './connection.ts'
import { Publisher } from './publisher.ts'
import { declareTopology } from './topology.ts'

const exchange = 'by TLS'

describe('a broker by TLS', () => {
  const broker = useBroker()
  const use = useResources()
  const { authority } = useCertificates()
  const { ca, issue } = authority('authority')
  const foreign = authority('foreign')
  const here = 'IP:127.0.0.1'
  const good = issue('good', here)
  const topology = { queues: [{ queue: 'all', exchange, routingKeys: ['all'] }] }

  /** Why neither a connection of amqplib nor one of rascal is opened; empty when both are. */
  async function reasons(url: string): Promise<string> {
    const said = await Promise.all([
      connectOrFail(url, 'tls').then(
        (connection) => connection.close(),
        (error) => reasonOf(error),
      ),
      declareTopology({ name: 'tls', url, topology }).catch((error) => reasonOf(error)),
    ])
    const [first = '', second = ''] = said
    assert.equal(Boolean(first), Boolean(second), said.join('\n'))
    return said.join('\n').trim()
  }

  it('publishes when its certificate is right', async () => {
    const proxy = use(await tlsProxyTo(broker.url, { certificate: good }))
    const url = proxy.url({ cacertfile: ca })
    const publisher = use(new Publisher({ name: 'tls', url, topology, logger: silent }))
    await publisher.whenReady(AbortSignal.timeout(30_000))
    const message = { id: '1', exchange, routingKey: 'all', content: Buffer.from('hello') }
    assert.deepEqual((await publisher.publishAll([message], 3_000)).confirmed, ['1'])
  })

  for (const [what, certificate, said] of [
    ['of another host', issue('elsewhere', 'DNS:elsewhere'), /ERR_TLS_CERT_ALTNAME_INVALID.*127/],
    ['that has expired', issue('expired', here, -1), /CERT_HAS_EXPIRED.* certificate has expired/],
    ['of a foreign authority', foreign.issue('theirs', here), /unable to verify|UNABLE_TO_VERIFY/],
  ] as const) {
    it(`is refused with a certificate ${what}, and the log says so`, async () => {
      const proxy = use(await tlsProxyTo(broker.url, { certificate }))
      const url = proxy.url({ cacertfile: ca })
      for (const line of (await reasons(url)).split('\n')) assert.match(line, said)
      const { logger, lines } = recordingLogger()
      use(new Publisher({ name: 'tls', url, topology, logger }))
      await eventually(() => lines.some(({ reason = '' }) => said.test(reason)))
    })
  }

  it('wants a certificate of its client, who has another one for each new connection', async () => {
    const proxy = use(await tlsProxyTo(broker.url, { certificate: good, clientCa: ca }))
    const [mine, renewed] = [foreign.issue('mine', 'DNS:client'), issue('renewed', 'DNS:client')]
    const url = proxy.url({ cacertfile: ca, certfile: mine.cert, keyfile: mine.key })
    assert.notEqual(await reasons(proxy.url({ cacertfile: ca })), '')
    assert.notEqual(await reasons(url), '')
    renew(mine, renewed)
    assert.equal(await reasons(url), '')
  })

  it('is only unavailable while a certificate is not there, or none', async () => {
    const proxy = use(await tlsProxyTo(broker.url, { certificate: good }))
    const mine = issue('away', 'DNS:client')
    const url = proxy.url({ cacertfile: ca, certfile: mine.cert, keyfile: mine.key })
    renameSync(mine.cert, `${mine.cert}.away`)
    assert.match(await reasons(url), /certfile .*away.pem cannot be read: ENOENT/)
    writeFileSync(mine.cert, 'half a certificate')
    assert.match(await reasons(url), /cannot be used/)
    renameSync(`${mine.cert}.away`, mine.cert)
    assert.equal(await reasons(url), '')
  })
})
