import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import amqp from 'amqplib'
import { sql } from 'kysely'
import { programPath } from '#local/install/system-packages.ts'
import { dashboard } from '#observability/dashboard.ts'
import { Load } from '#reliability/chaos/load.ts'
import { History } from '#reliability/judge/history.ts'
import { eventually, eventuallyPasses } from '#testing/eventually.ts'
import { withDatabases } from '#testing/reconcile.ts'
import { type Stack, startStack } from '#testing/stack.ts'
import { type Alert, type Monitoring, startMonitoring } from './monitoring.ts'

const run = promisify(execFile)
const runbook = 'docs/runbook.md'

/** Each query of the dashboard, with the title of its panel. */
const queries = (dashboard().panels ?? []).flatMap((panel) => {
  const targets = 'targets' in panel ? (panel.targets ?? []) : []
  return targets.map(({ expr }) => ({ title: panel.title ?? '', expr: String(expr) }))
})
const tile = (title: string) => queries.find((query) => query.title === title)?.expr ?? ''
const stages = ['accepted', 'relayed', 'charged', 'reply relayed', 'settled', 'pushed']

describe('the rules of alerts', () => {
  it('are what Prometheus takes, and do what alerts.test.yml says', async () => {
    await run(programPath('promtool'), ['check', 'config', 'observability/prometheus.yml'])
    await run(programPath('promtool'), ['test', 'rules', 'observability/alerts.test.yml'])
  })
})

describe('alerts and dashboard, on a stack under load', function () {
  this.timeout(300_000)
  let stack: Stack
  let load: Load
  let monitoring: Monitoring

  before('start everything', async () => {
    stack = await startStack({ args: ['--scale', 'orders-api=2'] })
    monitoring = await startMonitoring(stack, { replicas: 1, runbook })
    load = new Load(new History(), {
      gateway: stack.gateway,
      seed: 1,
      ordersPerSecond: 10,
      users: 8,
    })
    await load.start()
  })

  after(async () => {
    await load?.stop().finally(() => load.close())
    await monitoring?.[Symbol.asyncDispose]()
    await stack?.stop()
  })

  const operate = async (...args: string[]) => {
    const env = { ...process.env, LOCAL_DIR: stack.dir }
    const { stdout } = await run(process.execPath, ['operator/main.ts', ...args, '--json'], { env })
    return JSON.parse(stdout)
  }

  /** Kills a program of the stack as often as it is started, until it may live. */
  function keepKilling(name: string): () => Promise<void> {
    const stop = new AbortController()
    const killing = eventually(
      () => {
        try {
          process.kill(stack.pidOf(name), 'SIGKILL')
        } catch {
          // It is not there now.
        }
        return stop.signal.aborted
      },
      { timeoutMs: Number.POSITIVE_INFINITY, everyMs: 50 },
    )
    return async () => {
      stop.abort()
      await killing
    }
  }

  const fires = (name: string, stage: string | undefined, timeoutMs = 60_000): Promise<Alert> =>
    eventually(
      async () => (await monitoring.alerts(name)).find(({ labels }) => labels.stage === stage),
      { timeoutMs, everyMs: 500 },
    )
  const resolves = (name: string) =>
    eventually(async () => (await monitoring.alerts(name)).length === 0, {
      timeoutMs: 120_000,
      everyMs: 500,
    })
  const levelOf = async (title: string) =>
    Number((await monitoring.query(tile(title)))[0]?.value[1])
  /** No alert of any stage: the tiles of the dashboard are green. */
  const allGreen = () =>
    eventuallyPasses(
      async () => {
        const levels = await Promise.all(stages.map(levelOf))
        assert.deepEqual(
          levels,
          stages.map(() => 0),
        )
      },
      { timeoutMs: 120_000, everyMs: 1_000 },
    )

  it('has data for every query of the dashboard', async () => {
    assert.ok(queries.length > 40)
    for (const { title, expr } of queries) {
      await eventually(
        async () => {
          const samples = await monitoring.query(expr)
          return samples.some(({ value }) => Number.isFinite(Number(value[1])))
        },
        { timeoutMs: 120_000, everyMs: 1_000 },
      ).catch((error) => assert.fail(`${title}: ${expr}: ${error}`))
    }
  })

  it('is green while everything is well', allGreen)

  it('pages within a minute when payments-relay is killed, names the stage, and resolves by itself', async () => {
    const letLive = keepKilling('payments-relay')
    try {
      const { labels, annotations } = await fires('RelayStopped', 'reply-relayed')
      assert.equal(labels.severity, 'page')
      assert.equal(labels.job, 'payments-relay')
      assert.equal(labels.runbook, undefined)
      assert.equal(annotations.runbook_url, `${runbook}#relay-stopped`)
      assertInRunbook(annotations.runbook_url)
      const { outboxes, rates } = await operate('status')
      assert.ok(outboxes.payments.unpublished > 0 && outboxes.payments.oldest_ms > 15_000)
      assert.equal(rates['payments-relay'], 0)
      const levels = await Promise.all(stages.map(levelOf))
      assert.deepEqual(levels, [0, 0, 0, 2, 0, 0])
      await fires('OutboxGrowsOld', 'reply-relayed', 90_000)
    } finally {
      await letLive()
    }
    await resolves('RelayStopped')
    await resolves('OutboxGrowsOld')
    await allGreen()
  })

  it('pages when a consumer is frozen', async () => {
    const pid = stack.pidOf('orders-consumer')
    process.kill(pid, 'SIGSTOP')
    try {
      await fires('ConsumerStopped', 'settled')
    } finally {
      process.kill(pid, 'SIGCONT')
    }
    await resolves('ConsumerStopped')
  })

  it('pages when PostgreSQL does not come back', async () => {
    const letLive = keepKilling('postgres')
    try {
      await fires('DatabaseDown', 'accepted')
      await fires('DatabaseDown', 'charged')
    } finally {
      await letLive()
    }
    await resolves('DatabaseDown')
  })

  it('pages when a loop stands still, though its process answers', async () => {
    await withDatabases(stack, ({ payments }) =>
      payments.transaction().execute(async (trx) => {
        await sql`SET LOCAL idle_in_transaction_session_timeout = 0`.execute(trx)
        await sql`LOCK TABLE inbox IN ACCESS EXCLUSIVE MODE`.execute(trx)
        const { labels } = await fires('LoopStandsStill', 'charged', 90_000)
        assert.equal(labels.job, 'payments-consumer')
      }),
    )
    await resolves('LoopStandsStill')
  })

  it('pages for a dead letter until it is discarded', async () => {
    const connection = await amqp.connect(stack.amqp_url)
    const channel = await connection.createConfirmChannel()
    channel.sendToQueue('payments-consumer', Buffer.from('not JSON'), { persistent: true })
    await channel.waitForConfirms()
    await connection.close()
    await fires('DeadLetters', 'charged')
    assert.equal(await levelOf('charged'), 2)
    await operate('dlq', 'discard', '--queue', 'payments-consumer.dlq', '--yes')
    await resolves('DeadLetters')
  })

  it('opens a ticket when a target is absent', async () => {
    await monitoring.exporter.kill()
    const { labels } = await fires('TargetAbsent', undefined, 120_000)
    assert.deepEqual([labels.job, labels.severity], ['postgres', 'ticket'])
    await monitoring.exporter.restart()
    await resolves('TargetAbsent')
    await allGreen()
  })
})

/** Its section has a heading of that name. */
function assertInRunbook(url: string): void {
  const [path = '', anchor] = url.split('#')
  const headings = [...readFileSync(path, 'utf8').matchAll(/^#+ (.+)$/gm)].map(([, text = '']) =>
    text.toLowerCase().replaceAll(' ', '-'),
  )
  assert.ok(headings.includes(anchor ?? ''), url)
}
