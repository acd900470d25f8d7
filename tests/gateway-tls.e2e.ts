import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { get } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TLSSocket } from 'node:tls'
import { nginxProgram } from '#local/servers/nginx.ts'
import { parseScale } from '#local/stack/options.ts'
import { removeState } from '#local/stack/remove-state.ts'
import { gatewayUrl, readSettings } from '#local/stack/settings.ts'
import { renew, useCertificates } from '#testing/certificates.ts'
import { eventually } from '#testing/eventually.ts'
import { freePortBase, freePorts } from '#testing/free-ports.ts'
import { startServer } from '#testing/private-servers.ts'

describe('the gateway with a certificate', function () {
  this.timeout(120_000)
  const { authority } = useCertificates()
  const { ca, issue } = authority('authority')
  const certificate = issue('first', 'IP:127.0.0.1')
  let url = ''
  let stop = async () => {}
  let pid = 0

  before('start nginx alone', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'orders-payments-'))
    const [port = 0] = await freePorts(1)
    const env = {
      ...{ LOCAL_DIR: dir, LOCAL_PORT_BASE: String(await freePortBase()) },
      GATEWAY_PORT: String(port),
      GATEWAY_TLS_CERT_FILE: certificate.cert,
      GATEWAY_TLS_KEY_FILE: certificate.key,
    }
    const settings = readSettings(env, { scale: parseScale([]), fromSource: false, auth: false })
    const nginx = await startServer([nginxProgram(settings)])
    url = gatewayUrl(settings)
    pid = nginx.pid
    stop = async () => {
      await nginx.stop()
      await removeState(dir)
    }
  })
  after('stop nginx', () => stop())

  async function ask(path: string, trusted?: string) {
    const trust = trusted === undefined ? {} : { ca: readFileSync(trusted) }
    const request = get(new URL(path, url), { agent: false, ...trust })
    const [response] = (await once(request, 'response')) as [IncomingMessage]
    const { subject } = (response.socket as TLSSocket).getPeerCertificate()
    response.resume()
    await once(response, 'end')
    return { status: response.statusCode, name: subject.CN }
  }

  it('is believed by who trusts its authority, and by nobody else', async () => {
    assert.match(url, /^https:/)
    assert.deepEqual(await ask('/healthz', ca), { status: 200, name: 'first' })
    await assert.rejects(ask('/healthz'), /unable to verify|UNABLE_TO_VERIFY/)
  })

  it('says where it is to who speaks plain HTTP', async () => {
    const plain = new URL('/orders?limit=1', url.replace('https', 'http'))
    const response = await fetch(plain, { redirect: 'manual', method: 'POST' })
    assert.equal(response.status, 308)
    assert.equal(response.headers.get('location'), `${url}/orders?limit=1`)
  })

  it('has another certificate after a reload', async () => {
    renew(certificate, issue('second', 'IP:127.0.0.1'))
    process.kill(pid, 'SIGHUP')
    await eventually(async () => (await ask('/healthz', ca)).name === 'second')
  })
})

describe('gateway/nginx.sh, in a container', () => {
  const { dir, authority } = useCertificates()
  const { cert, key } = authority('authority').issue('gateway', 'DNS:localhost')
  /** Its last lines start nginx with files of the container. */
  const script = readFileSync('gateway/nginx.sh', 'utf8').replaceAll('/tmp/', `${dir}/`)
  const filledIn = (env: NodeJS.ProcessEnv) => {
    writeFileSync(join(dir, 'start.sh'), script.replace(/^exec .*$/m, ''))
    const template = join(process.cwd(), 'gateway/gateway.conf.template')
    const all = { PATH: process.env.PATH, GATEWAY_LISTEN: '8080', ...env }
    execFileSync('sh', [join(dir, 'start.sh'), template], { env: all, stdio: 'pipe' })
    return readFileSync(join(dir, 'server.conf'), 'utf8')
  }

  it('turns TLS on where there is a certificate, and refuses one that it cannot read', () => {
    const files = { GATEWAY_TLS_CERT_FILE: cert, GATEWAY_TLS_KEY_FILE: key }
    assert.match(filledIn({}), /listen 8080 default_server;/)
    assert.match(filledIn(files), /listen 8080 ssl default_server;/)
    assert.ok(filledIn(files).includes(`ssl_certificate ${cert}; ssl_certificate_key ${key};`))
    assert.throws(
      () => filledIn({ ...files, GATEWAY_TLS_KEY_FILE: '' }),
      /KEY_FILE "" cannot be read/,
    )
  })
})
