import assert from 'node:assert/strict'
import { renameSync } from 'node:fs'
import { sql } from 'kysely'
import { renew, useCertificates } from '#testing/certificates.ts'
import { useDatabase } from '#testing/database.ts'
import { eventually } from '#testing/eventually.ts'
import { useResources } from '#testing/resources.ts'
import { tlsProxyTo } from '#testing/tls-proxy.ts'
import { reasonOf } from '../outage.ts'
import { connectDatabase } from './connect.ts'

describe('a database by TLS', () => {
  const database = useDatabase('messaging')
  const use = useResources()
  const { authority } = useCertificates()
  const { ca, issue } = authority('authority')
  const foreign = authority('foreign')
  const here = 'IP:127.0.0.1'
  const good = issue('good', here)
  const verifying = { sslmode: 'verify-full', sslrootcert: ca }

  const open = (url: string, poolSize = 2) =>
    use(connectDatabase<Record<string, never>>({ name: 'tls', url, poolSize }))
  const ask = async (db: ReturnType<typeof open>) => {
    const { rows } = await sql<{ one: number }>`SELECT 1 AS one`.execute(db)
    return rows[0]?.one
  }
  const reason = (db: ReturnType<typeof open>) =>
    ask(db).then(
      () => '',
      (error) => reasonOf(error),
    )

  it('answers when its certificate is right', async () => {
    const proxy = use(await tlsProxyTo(database.url, { certificate: good }))
    assert.equal(await ask(open(proxy.url(verifying))), 1)
  })

  for (const [what, certificate, said] of [
    ['of another host', issue('elsewhere', 'DNS:elsewhere'), /ERR_TLS_CERT_ALTNAME_INVALID.*127/],
    ['that has expired', issue('expired', here, -1), /CERT_HAS_EXPIRED certificate has expired/],
    ['of a foreign authority', foreign.issue('theirs', here), /unable to verify|UNABLE_TO_VERIFY/],
  ] as const) {
    it(`is refused with a certificate ${what}, and the reason says so`, async () => {
      const proxy = use(await tlsProxyTo(database.url, { certificate }))
      for (const sslmode of ['verify-full', 'require']) {
        assert.match(await reason(open(proxy.url({ ...verifying, sslmode }))), said)
      }
    })
  }

  it('is refused when it has no TLS', async () => {
    const url = new URL(database.url)
    url.searchParams.set('sslmode', 'verify-full')
    assert.match(await reason(open(url.href)), /does not support SSL connections/)
  })

  it('wants a certificate of its client, who has another one for each new connection', async () => {
    const proxy = use(await tlsProxyTo(database.url, { certificate: good, clientCa: ca }))
    const [mine, renewed] = [foreign.issue('mine', 'DNS:client'), issue('renewed', 'DNS:client')]
    const url = proxy.url({ ...verifying, sslcert: mine.cert, sslkey: mine.key })
    assert.notEqual(await reason(open(proxy.url(verifying))), '')
    const db = open(url)
    assert.notEqual(await reason(db), '')
    renew(mine, renewed)
    assert.equal(await ask(db), 1)
  })

  it('is only unavailable while a certificate is not there, with more callers than connections', async () => {
    const proxy = use(await tlsProxyTo(database.url, { certificate: good, clientCa: ca }))
    const mine = issue('away', 'DNS:client')
    const db = open(proxy.url({ ...verifying, sslcert: mine.cert, sslkey: mine.key }), 1)
    assert.equal(await ask(db), 1)
    renameSync(mine.cert, `${mine.cert}.away`)
    proxy.cut()
    await eventually(async () => /sslcert .*away.pem cannot be read: ENOENT/.test(await reason(db)))
    const reasons = await Promise.all(Array.from({ length: 20 }, () => reason(db)))
    assert.ok(
      reasons.every((one) => one.includes('ENOENT')),
      reasons.join('\n'),
    )
    renameSync(`${mine.cert}.away`, mine.cert)
    assert.equal(await ask(db), 1)
  })
})
