import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { programPath, type SystemPackage } from '#local/install/system-packages.ts'
import { portsFrom, processNames, processPort } from '#local/stack/ports.ts'
import { answersOk } from '#local/supervisor/probe.ts'
import { freePorts } from '#testing/free-ports.ts'
import { type Server, startServer } from '#testing/private-servers.ts'
import { controlOf } from '#testing/servers.ts'
import type { Stack } from '#testing/stack.ts'
import { writeConfig } from './prometheus-config.ts'

/** A sample of an instant query: its labels, and its value. */
export interface Sample {
  metric: Record<string, string>
  value: [at: number, value: string]
}

/** An alert as Alertmanager has it. */
export interface Alert {
  labels: Record<string, string>
  annotations: Record<string, string>
}

/** Prometheus, Alertmanager and the exporter of PostgreSQL, which watch a stack of `npm start`. */
export interface Monitoring extends AsyncDisposable {
  query: (expr: string) => Promise<Sample[]>
  /** The alerts of a name that Alertmanager has, also those that another alert explains. */
  alerts: (name: string) => Promise<Alert[]>
  exporter: Server
}

/** Starts them with the files of `observability/`. The stack has `replicas` of each process. */
export async function startMonitoring(
  stack: Stack,
  { replicas, runbook }: { replicas: number; runbook: string },
): Promise<Monitoring> {
  const dir = mkdtempSync(join(tmpdir(), 'orders-payments-monitoring-'))
  const [prometheus, alertmanager, exporter, rabbitmq] = (await freePorts(4)) as [
    number,
    number,
    number,
    number,
  ]
  const base = Number(new URL(stack.orders_database_url).port) - 1
  await enablePlugin(join(stack.dir, 'rabbitmq'), base, rabbitmq)
  const local = (port: number) => `127.0.0.1:${port}`
  const replicasOf = (name: (typeof processNames)[number]) =>
    Array.from({ length: replicas }, (_, index) => local(processPort(base, name, index + 1)))
  const config = writeConfig(dir, {
    ...Object.fromEntries(processNames.map((name) => [name, replicasOf(name)])),
    alertmanager: [local(alertmanager)],
    rabbitmq: [local(rabbitmq)],
    'postgres-exporter': [local(exporter)],
  })
  const servers = await startAll(dir, stack, {
    config,
    prometheus,
    alertmanager,
    exporter,
    runbook,
  })
  const get = async (url: string) => (await fetch(url)).json()
  return {
    exporter: servers.exporter,
    query: async (expr) => {
      const url = `http://${local(prometheus)}/api/v1/query?query=${encodeURIComponent(expr)}`
      const answer = (await get(url)) as { error?: string; data: { result: Sample[] } }
      if (answer.error) throw new Error(`${expr}: ${answer.error}`)
      return answer.data.result
    },
    alerts: async (name) => {
      const filter = encodeURIComponent(`alertname="${name}"`)
      return (await get(`http://${local(alertmanager)}/api/v2/alerts?filter=${filter}`)) as Alert[]
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all(Object.values(servers).map((server) => server.stop()))
      rmSync(dir, { recursive: true, force: true })
    },
  }
}

interface Started {
  config: string
  prometheus: number
  alertmanager: number
  exporter: number
  runbook: string
}

async function startAll(dir: string, stack: Stack, started: Started) {
  const { config, prometheus, alertmanager, exporter, runbook } = started
  const start = (name: SystemPackage, port: number, args: string[], env: NodeJS.ProcessEnv = {}) =>
    startServer([program(dir, { name, port, args, env })])
  const database = new URL(stack.orders_database_url)
  database.pathname = '/postgres'
  database.search = '?sslmode=disable'
  const [one, two, three] = await Promise.all([
    start(
      'prometheus',
      prometheus,
      [
        ...[`--config.file=${config}`, `--storage.tsdb.path=${dir}/prometheus`],
        `--web.listen-address=127.0.0.1:${prometheus}`,
        '--enable-feature=expand-external-labels', // on by itself from Prometheus 3 on
      ],
      { RUNBOOK_URL: runbook },
    ),
    start('prometheus-alertmanager', alertmanager, [
      ...['--config.file=observability/alertmanager.yml', `--storage.path=${dir}/alertmanager`],
      ...[`--web.listen-address=127.0.0.1:${alertmanager}`, '--cluster.listen-address='],
    ]),
    start(
      'prometheus-postgres-exporter',
      exporter,
      [`--web.listen-address=127.0.0.1:${exporter}`],
      {
        DATA_SOURCE_NAME: database.href,
      },
    ),
  ])
  return { prometheus: one, alertmanager: two, exporter: three }
}

interface Run {
  name: SystemPackage
  port: number
  args: string[]
  env: NodeJS.ProcessEnv
}

function program(dir: string, { name, port, args, env }: Run) {
  mkdirSync(join(dir, name), { recursive: true })
  const ready = name === 'prometheus-postgres-exporter' ? 'metrics' : '-/ready'
  return {
    ...{ name, address: `127.0.0.1:${port}`, cwd: process.cwd(), stateDir: dir },
    command: [programPath(name), ...args],
    env: { PATH: process.env.PATH, ...env },
    pidFile: join(dir, `${name}.pid`),
    logFile: join(dir, `${name}.log`),
    ...({ stopSignal: 'SIGTERM', deathSignal: 'KILL' } as const),
    stopTimeoutMs: 10_000,
    isReady: () => answersOk(`http://127.0.0.1:${port}/${ready}`),
  }
}

/** The node of `npm start` has only what it needs: until it is started again, this plugin, too. */
async function enablePlugin(dir: string, base: number, port: number): Promise<void> {
  const ports = portsFrom(base)
  const setPort = `application:load(rabbitmq_prometheus),
    application:set_env(rabbitmq_prometheus, tcp_config, [{ip, "127.0.0.1"}, {port, ${port}}]).`
  await controlOf(dir, ports)('eval', setPort)
  await controlOf(dir, ports, 'rabbitmq-plugins')('enable', 'rabbitmq_prometheus')
}
