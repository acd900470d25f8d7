import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { processNames, processPort } from '#local/stack/ports.ts'
import { call } from '#testing/client.ts'
import { eventually } from '#testing/eventually.ts'
import { expectProblem } from '#testing/problem.ts'
import { useStack } from '#testing/shared-stack.ts'

type ProcessName = (typeof processNames)[number]

interface Metric {
  name: string
  type: string
  labels: string[]
}

/** What the column `process` of docs/metrics.md stands for. */
const groups: Record<string, (name: ProcessName) => boolean> = {
  all: () => true,
  relays: (name) => name.endsWith('-relay'),
  consumers: (name) => name.endsWith('-consumer'),
}

/** What docs/metrics.md says that a process serves. */
function documented(process: ProcessName): Metric[] {
  const rows = readFileSync('docs/metrics.md', 'utf8')
    .split('\n')
    .filter((line) => /^\| `[a-z]/.test(line))
    .map((line) => line.split('|').map((cell) => cell.trim()))
  return rows.flatMap(([, name = '', type = '', labels = '', , processes = '']) => {
    const isServed = processes
      .split(', ')
      .some((group) => groups[group]?.(process) ?? group === `\`${process}\``)
    const names = labels.split(', ').flatMap((label) => label.replaceAll('`', '') || [])
    return isServed ? [{ name: name.replaceAll('`', ''), type, labels: names.sort() }] : []
  })
}

/** What a page has: a metric without a sample has no labels. */
function served(page: string): (Metric & { hasSample: boolean })[] {
  return [...page.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = '', type = '']) => {
    const sample = new RegExp(`^${name}(?:_bucket|_sum|_count)?(?:\\{(.*)\\})? `, 'gm')
    const samples = [...page.matchAll(sample)].map(([, labels = '']) => labels)
    const labels = samples.flatMap((text) =>
      [...text.matchAll(/(\w+)="/g)].map(([, one = '']) => one),
    )
    const known = [...new Set(labels)].filter((label) => label !== 'le').sort()
    return { name, type, labels: known, hasSample: samples.length > 0 }
  })
}

describe('/metrics', () => {
  const stack = useStack()
  const base = () => Number(new URL(stack.orders_database_url).port) - 1
  const pageOf = async (process: ProcessName, replica = 1) => {
    const port = processPort(base(), process, replica)
    const response = await fetch(`http://127.0.0.1:${port}/metrics`)
    assert.equal(response.status, 200)
    assert.match(response.headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/)
    return response.text()
  }
  const sampleOf = (page: string, sample: string) =>
    Number(
      page
        .split('\n')
        .find((line) => line.startsWith(`${sample} `))
        ?.split(' ')
        .at(-1),
    )

  before('settle an order', async () => {
    await call(stack.gateway, 'POST', '/accounts', { body: { user_id: 'metrics' } })
    const body = { user_id: 'metrics', amount: '1.00' }
    const { body: order } = await call(stack.gateway, 'POST', '/orders', { body })
    await eventually(async () => {
      const { body: now } = await call(stack.gateway, 'GET', `/orders/${order.order_id}`)
      return now.status === 'PAYMENT_FAILED'
    })
  })

  for (const process of processNames) {
    it(`of ${process} is what docs/metrics.md says, neither more nor less`, async () => {
      const found = served(await pageOf(process))
      const expected = documented(process)
      const byName = (all: Metric[]) =>
        Object.fromEntries(all.map(({ name, type }) => [name, type]))
      assert.deepEqual(byName(found), byName(expected))
      for (const { name, labels, hasSample } of found) {
        const known = expected.find((metric) => metric.name === name)?.labels
        if (hasSample) assert.deepEqual(labels, known, name)
      }
    })
  }

  it('has each number of a counter from the start, and counts an order on its way', async () => {
    const pages = async (process: ProcessName) => [await pageOf(process), await pageOf(process, 2)]
    const sum = async (process: ProcessName, sample: string) =>
      (await pages(process)).reduce((total, page) => total + sampleOf(page, sample), 0)
    assert.ok((await sum('payments-consumer', 'inbox_events_total{result="handled"}')) > 0)
    assert.ok(
      (await sum(
        'orders-consumer',
        'order_settlement_duration_seconds_count{request="payment",status="PAYMENT_FAILED"}',
      )) > 0,
    )
    assert.equal(
      await sum('orders-consumer', 'messaging_dead_letters_total{reason="too-large"}'),
      0,
    )
    assert.equal(await sum('orders-relay', 'outbox_turn_failures_total{error_type="fault"}'), 0)
  })

  it('is nothing that the gateway passes on', async () => {
    for (const path of [
      '/metrics',
      '/metrics/',
      '/orders/../metrics',
      '/accounts/%2e%2e/metrics',
    ]) {
      expectProblem(await call(stack.gateway, 'GET', path, { documented: false }), 404)
    }
  })
})
