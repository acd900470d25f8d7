import {
  chmodSync,
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { programPath } from '../install/system-packages.ts'
import { repositoryDir } from '../stack/places.ts'
import { type ProcessName, processPort } from '../stack/ports.ts'
import type { Settings } from '../stack/settings.ts'
import { answersOk } from '../supervisor/probe.ts'
import type { Program } from '../supervisor/program.ts'
import { renderTemplate } from './template.ts'

/** How to run nginx: the gateway and, behind it, the server of the page's files. */
export function nginxProgram(settings: Settings): Program {
  const { places, gatewayPort } = settings
  const dir = join(places.sharedDir, 'nginx')
  mkdirSync(dir, { recursive: true })
  return {
    name: 'nginx',
    address: `127.0.0.1:${gatewayPort}`,
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
    stateDir: places.stateDir,
    pidFile: join(places.runDir, 'nginx.pid'),
    logFile: join(places.logsDir, 'nginx.log'),
    stopSignal: 'SIGQUIT',
    stopTimeoutMs: 12_000,
    stopHeadStartMs: 1_000,
    deathSignal: 'TERM',
    prepare: async () => writeFiles(settings, dir),
    isReady: () => answersOk(`http://127.0.0.1:${gatewayPort}/healthz`),
  }
}

const configDir = ({ places }: Settings) => join(places.runDir, 'nginx')

/** The page is copied, so that nginx's workers, who are nobody, can read it in any clone. */
function writeFiles(settings: Settings, dir: string): void {
  const config = configDir(settings)
  mkdirSync(config, { recursive: true })
  writeFileSync(join(config, 'nginx.conf'), mainConfig(settings, dir))
  for (const server of ['gateway', 'frontend']) {
    const template = join(repositoryDir, 'gateway', `${server}.conf.template`)
    const text = renderTemplate(readFileSync(template, 'utf8'), variables(settings, dir))
    writeFileSync(join(config, `${server}.conf`), text)
  }
  copyPage(pageDir(dir))
  chmodSync(dir, 0o711)
}

const pageDir = (dir: string) => join(dir, 'page')

/** What the frontend's server has to serve: each file's place there, and where it is in the repository. */
function pageFiles(): Record<string, string> {
  const isPage = (file: string) => /\.(html|css|js|svg|woff2)$/.test(file)
  const own = ['', 'docs/'].flatMap((folder) =>
    readdirSync(join(repositoryDir, 'frontend', folder))
      .filter(isPage)
      .map((name) => [`${folder}${name}`, `frontend/${folder}${name}`]),
  )
  return {
    ...Object.fromEntries(own),
    'docs/swagger-ui.css': 'node_modules/swagger-ui-dist/swagger-ui.css',
    'docs/swagger-ui-bundle.js': 'node_modules/swagger-ui-dist/swagger-ui-bundle.js',
    'docs/events.html': 'docs/generated/events.html',
    'openapi/orders.json': 'docs/generated/openapi/orders.json',
    'openapi/payments.json': 'docs/generated/openapi/payments.json',
    'asyncapi.json': 'docs/generated/asyncapi.json',
  }
}

function copyPage(target: string): void {
  rmSync(target, { recursive: true, force: true })
  for (const [place, source] of Object.entries(pageFiles())) {
    const file = join(target, place)
    mkdirSync(dirname(file), { recursive: true })
    chmodSync(dirname(file), 0o755)
    cpSync(join(repositoryDir, source), file)
    chmodSync(file, 0o644)
  }
  chmodSync(target, 0o755)
}

/** The values for the two templates, in the spelling they share with the containers. */
function variables(settings: Settings, dir: string): Record<string, string> {
  const { gatewayPort, ports, rateLimitPerSecond: rate } = settings
  return {
    GATEWAY_LISTEN: `127.0.0.1:${gatewayPort}`,
    RESOLVER: '',
    ORDERS_API_SERVERS: upstreamServers(settings, 'orders-api'),
    PAYMENTS_API_SERVERS: upstreamServers(settings, 'payments-api'),
    FRONTEND_SERVERS: `server 127.0.0.1:${ports.frontend};`,
    FRONTEND_LISTEN: `127.0.0.1:${ports.frontend}`,
    FRONTEND_ROOT: pageDir(dir),
    RATE_LIMIT_ZONE:
      rate > 0 ? `limit_req_zone $binary_remote_addr zone=clients:10m rate=${rate}r/s;` : '',
    RATE_LIMIT: rate > 0 ? `limit_req zone=clients burst=${rate * 2} nodelay;` : '',
  }
}

/** With no replica at all nginx still needs a name to fail on: the port where one would be. */
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
pid ${join(settings.places.runDir, 'nginx.pid')};
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
