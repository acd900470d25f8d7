import { execFile } from 'node:child_process'
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { programPath } from '../install/system-packages.ts'
import { repositoryDir } from '../stack/paths.ts'
import { type ProcessName, processPort } from '../stack/ports.ts'
import { gatewayUrl, type Settings } from '../stack/settings.ts'
import { answersWith } from '../supervisor/probe.ts'
import type { Program } from '../supervisor/program.ts'
import { renderTemplate } from './template.ts'

const run = promisify(execFile)

/** The program of nginx: the gateway and, behind it, the server of the page's files. */
export function nginxProgram(settings: Settings): Program {
  const { paths } = settings
  const dir = join(paths.sharedDir, 'nginx')
  mkdirSync(dir, { recursive: true })
  return {
    name: 'nginx',
    address: new URL(gatewayUrl(settings)).host,
    command: [
      programPath('nginx'),
      '-e',
      'stderr',
      '-p',
      dir,
      '-c',
      join(configDir(settings), 'nginx.conf'),
    ],
    cwd: dir,
    env: process.env,
    stateDir: paths.stateDir,
    pidFile: join(paths.runDir, 'nginx.pid'),
    logFile: join(paths.logsDir, 'nginx.log'),
    stopSignal: 'SIGQUIT',
    stopTimeoutMs: 12_000,
    stopHeadStartMs: 1_000,
    deathSignal: 'TERM',
    prepare: () => writeFiles(settings, dir),
    isReady: () => isServing(settings),
  }
}

/** Asks by plain HTTP, whatever its certificate is for: with TLS the answer is where to ask. */
function isServing(settings: Settings): Promise<boolean> {
  const url = gatewayUrl(settings).replace(/^https/, 'http')
  return answersWith(settings.tls ? 308 : 200, `${url}/healthz`)
}

const configDir = ({ paths }: Settings) => join(paths.runDir, 'nginx')

/** Publishes the page to a folder that the workers of nginx, which run as nobody, can read. */
async function writeFiles(settings: Settings, dir: string): Promise<void> {
  const config = configDir(settings)
  mkdirSync(config, { recursive: true })
  writeFileSync(join(config, 'nginx.conf'), mainConfig(settings, dir))
  for (const server of ['gateway', 'frontend']) {
    const template = join(repositoryDir, 'gateway', `${server}.conf.template`)
    const text = renderTemplate(readFileSync(template, 'utf8'), variables(settings, dir))
    writeFileSync(join(config, `${server}.conf`), text)
  }
  await publishPage(pageDir(dir))
  chmodSync(dir, 0o711)
}

const pageDir = (dir: string) => join(dir, 'page')

/** As in the container. Node's warning concerns its own function, and nobody can act on it. */
async function publishPage(target: string): Promise<void> {
  const program = join(repositoryDir, 'frontend', 'publish.ts')
  await run(process.execPath, ['--disable-warning=ExperimentalWarning', program, target])
}

/** The variables of both templates, as in the containers. */
function variables(settings: Settings, dir: string): Record<string, string> {
  const { gatewayHost, gatewayPort, ports, operatorPagePort, signIn, tls } = settings
  const { rateLimitPerSecond: rate } = settings
  return {
    ...signIn,
    GATEWAY_LISTEN: `${gatewayHost}:${gatewayPort}${tls ? ' ssl' : ''}`,
    GATEWAY_CERTIFICATE: tls
      ? `ssl_certificate "${tls.cert}"; ssl_certificate_key "${tls.key}";`
      : '',
    RESOLVER: '',
    ORDERS_API_SERVERS: upstreamServers(settings, 'orders-api'),
    PAYMENTS_API_SERVERS: upstreamServers(settings, 'payments-api'),
    OPERATOR_PAGE_SERVERS: `server 127.0.0.1:${operatorPagePort ?? '1 down'};`,
    OPERATOR_PAGE_OFF: operatorPagePort ? '' : 'return 404;',
    FRONTEND_SERVERS: `server 127.0.0.1:${ports.frontend};`,
    FRONTEND_LISTEN: `127.0.0.1:${ports.frontend}`,
    FRONTEND_ROOT: pageDir(dir),
    RATE_LIMIT_ZONE:
      rate > 0 ? `limit_req_zone $limited_client zone=clients:10m rate=${rate}r/s;` : '',
    RATE_LIMIT: rate > 0 ? `limit_req zone=clients burst=${rate * 2} nodelay;` : '',
  }
}

/** Without any replica, nginx still needs an upstream: the port of the first replica. */
function upstreamServers({ ports, scale }: Settings, name: ProcessName): string {
  const replicas = Array.from({ length: Math.max(1, scale[name]) }, (_, index) => index + 1)
  return replicas
    .map((replica) => `127.0.0.1:${processPort(ports.base, name, replica)}`)
    .map((address) => `server ${address} max_fails=1 fail_timeout=1s;`)
    .join(' ')
}

function mainConfig(settings: Settings, dir: string): string {
  const kinds = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  return `daemon off;
worker_processes auto;
pid ${join(settings.paths.runDir, 'nginx.pid')};
error_log stderr warn;

events {
  worker_connections 8192;
}

http {
${kinds.map((kind) => `  ${kind}_temp_path ${join(dir, kind)};`).join('\n')}

  include ${join(configDir(settings), 'gateway.conf')};
  include ${join(configDir(settings), 'frontend.conf')};
}
`
}
