import assert from 'node:assert/strict'
import { processNames } from '#local/stack/ports.ts'
import { dashboard } from '#observability/dashboard.ts'
import { eventually } from '#testing/eventually.ts'
import { freePorts } from '#testing/free-ports.ts'
import { openProject, type Project } from './project.ts'

const replicas = 2
const minutes = 60_000

interface Target {
  health: string
  lastError: string
  labels: { job: string; stage?: string }
}

interface Alert {
  labels: Record<string, string>
  annotations: Record<string, string>
}

/** Without Grafana and the exporter, whose images say nothing of ours. Needs a Docker engine. */
describe('docker compose --profile observability', function () {
  this.timeout(4 * minutes)
  let project: Project
  let prometheus = ''
  let alertmanager = ''

  before(async function () {
    this.timeout(15 * minutes)
    const [one, two] = await freePorts(2)
    const env = {
      PROMETHEUS_PORT: `${one}`,
      ALERTMANAGER_PORT: `${two}`,
      RUNBOOK_URL: 'https://x/r',
    }
    project = await openProject({ env })
    prometheus = `http://127.0.0.1:${one}`
    alertmanager = `http://127.0.0.1:${two}`
    await project.up(replicas)
    await project.compose('up', '--detach', 'prometheus', 'alertmanager', 'monitoring-role')
  })

  after(async function () {
    this.timeout(3 * minutes)
    await project?.[Symbol.asyncDispose]()
  })

  const targetsUp = async (job: string) => {
    const answer = await (await fetch(`${prometheus}/api/v1/targets?state=active`)).json()
    const { activeTargets } = (answer as { data: { activeTargets: Target[] } }).data
    const found = activeTargets.filter(({ labels }) => labels.job === job)
    return found.filter(({ health }) => health === 'up').length
  }
  const untilUp = (job: string, count: number) =>
    eventually(async () => (await targetsUp(job)) === count, {
      timeoutMs: 2 * minutes,
      everyMs: 1_000,
    })
  const alerts = async (name: string) => {
    const url = `${alertmanager}/api/v2/alerts?filter=${encodeURIComponent(`alertname="${name}"`)}`
    return (await (await fetch(url)).json()) as Alert[]
  }

  it('scrapes each replica of each process, and RabbitMQ', async () => {
    for (const name of processNames) await untilUp(name, replicas)
    await untilUp('rabbitmq', 1)
    await untilUp('rabbitmq-node', 1)
  })

  it('has from RabbitMQ what the dashboard asks for', async () => {
    const asked = (dashboard().panels ?? []).flatMap((panel) =>
      'targets' in panel ? (panel.targets ?? []).map(({ expr }) => String(expr)) : [],
    )
    const expressions = asked.filter((expr) => expr.includes('rabbitmq_'))
    assert.ok(expressions.length > 5)
    for (const expr of expressions) {
      await eventually(async () => {
        const url = `${prometheus}/api/v1/query?query=${encodeURIComponent(expr)}`
        const answer = await (await fetch(url)).json()
        return (answer as { data: { result: unknown[] } }).data.result.length > 0
      }).catch((error) => assert.fail(`${expr}: ${error}`))
    }
  })

  it('finds a replica that comes, and forgets one that goes', async () => {
    const scale = (count: number) =>
      project.compose(
        'up',
        '--detach',
        '--no-recreate',
        '--scale',
        `orders-relay=${count}`,
        'orders-relay',
      )
    await scale(3)
    await untilUp('orders-relay', 3)
    await scale(2)
    await untilUp('orders-relay', 2)
  })

  it('pages within a minute when payments-relay is killed, and resolves by itself', async () => {
    await project.compose('kill', 'payments-relay')
    const alert = await eventually(async () => (await alerts('RelayStopped'))[0], {
      timeoutMs: minutes,
      everyMs: 500,
    })
    assert.equal(alert.labels.stage, 'reply-relayed')
    assert.equal(alert.annotations.runbook_url, 'https://x/r#relay-stopped')
    await project.compose(
      'up',
      '--detach',
      '--no-recreate',
      '--scale',
      `payments-relay=${replicas}`,
      'payments-relay',
    )
    await eventually(async () => (await alerts('RelayStopped')).length === 0, {
      timeoutMs: 2 * minutes,
      everyMs: 500,
    })
  })

  it('gives the exporter a role that reads statistics, and no table', async () => {
    await eventually(async () => {
      const created = (await project.containers()).find(
        ({ Service }) => Service === 'monitoring-role',
      )
      return created?.State === 'exited' && created.ExitCode === 0
    })
    const psql = (database: string, query: string) =>
      project.compose(
        'exec',
        '-T',
        '-e',
        'PGPASSWORD=monitoring-for-development',
        'postgres',
        'psql',
        ...['--host', '127.0.0.1', '--username', 'monitoring', '--no-align', '--tuples-only'],
        ...['--dbname', database, '--command', query],
      )
    const sizes =
      "SELECT count(*) FROM pg_stat_database WHERE pg_database_size(datname) > 0 AND datname LIKE '%_db'"
    assert.equal(await psql('postgres', sizes), '2')
    await assert.rejects(psql('orders_db', 'SELECT 1'), /permission denied for database/)
  })
})
