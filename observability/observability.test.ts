import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { dashboard } from './dashboard.ts'

const read = (path: string) => readFileSync(path, 'utf8')
const alerts = read('observability/alerts.yml')
const runbook = read('docs/runbook.md')
const panels = dashboard().panels ?? []
const expressions = [
  ...panels.flatMap((panel) =>
    'targets' in panel ? (panel.targets ?? []).map(({ expr }) => String(expr)) : [],
  ),
  ...[...alerts.matchAll(/^ +expr: (.+)$/gm)].map(([, expr = '']) => expr),
]

/** Of others: RabbitMQ, the exporter of PostgreSQL, Prometheus itself. */
const foreign = /^(?:rabbitmq_|pg_|up$|ALERTS$)/

/** The names of the metrics in a query: what is no function, keyword, label or string. */
function metricsOf(expr: string): string[] {
  const bare = expr
    .replace(/"(?:[^"\\]|\\.)*"/g, '')
    .replace(/\{[^}]*\}|\[\w+\]/g, '')
    .replace(/\b(?:by|on|without) \([^)]*\)/g, '')
  const words = [...bare.matchAll(/[A-Za-z_]\w*(?!\w|\s*\()/g)].map(([word]) => word)
  return words.filter((word) => !['or', 'and', 'unless', 'sum', 'max', 'min'].includes(word))
}

describe('the alerts', () => {
  const names = [...new Set([...alerts.matchAll(/alert: (\w+)/g)].map(([, name = '']) => name))]
  const anchorOf = (name: string) => name.replace(/(?<=[a-z])(?=[A-Z])/g, '-').toLowerCase()

  it('have a section each in the runbook, with symptom, look, act and check, and no section is left over', () => {
    const [, ofAlerts = ''] = runbook.split('\n## Alerts\n')
    const [chapter = ''] = ofAlerts.split('\n## ')
    const sections = chapter.split('\n### ').slice(1)
    const titles = sections.map((section) => section.slice(0, section.indexOf('\n')))
    const anchors = titles.map((title) => title.toLowerCase().replaceAll(' ', '-'))
    assert.deepEqual(anchors.sort(), names.map(anchorOf).sort())
    for (const section of sections) {
      for (const part of ['Symptom', 'Look', 'Act', 'Check']) {
        assert.match(section, new RegExp(`^- \\*\\*${part}\\*\\*: `, 'm'), section)
      }
    }
  })

  it('link to the section of their name', () => {
    const rules = alerts.split(/- alert: /).slice(1)
    const anchored = new Map(
      [...alerts.matchAll(/annotations: &(\S+)\n[\s\S]*?runbook_url: "([^"]+)"/g)].map(
        ([, anchor = '', url = '']) => [anchor, url],
      ),
    )
    for (const rule of rules) {
      const [, alias = ''] = /annotations: \*(\S+)/.exec(rule) ?? []
      const url = anchored.get(alias) ?? /runbook_url: "([^"]+)"/.exec(rule)?.[1]
      const name = /^\w+/.exec(rule)?.[0] ?? ''
      assert.equal(url, `{{ $externalLabels.runbook }}#${anchorOf(name)}`, name)
    }
  })

  it('are in the table of docs/observability.md, with their severity', () => {
    const rows = read('docs/observability.md')
      .split('\n')
      .filter((line) => /^\| `\w+`/.test(line))
    const documented = rows.flatMap((row) => {
      const [, cell = '', , severity = ''] = row.split('|').map((text) => text.trim())
      return [...cell.matchAll(/`(\w+)`/g)].map(([, name = '']) => `${name} ${severity}`)
    })
    const severities = alerts
      .split(/- alert: /)
      .slice(1)
      .map((rule) => `${/^\w+/.exec(rule)} ${/severity: (\w+)/.exec(rule)?.[1]}`)
    assert.deepEqual(documented.sort(), [...new Set(severities)].sort())
  })

  it('have a test each in alerts.test.yml', () => {
    const tested = read('observability/alerts.test.yml')
    for (const name of names) {
      assert.ok(tested.includes(`alertname="${name}", alertstate="firing"`), name)
    }
  })
})

describe('queries of alerts and dashboard', () => {
  it('ask for metrics that docs/metrics.md has', () => {
    const known = new Set(
      [...read('docs/metrics.md').matchAll(/^\| `([a-z]\w+)`/gm)].map(([, name = '']) => name),
    )
    const asked = expressions.flatMap(metricsOf).filter((name) => !foreign.test(name))
    assert.ok(new Set(asked).size > 20)
    const unknown = asked.filter((name) => !known.has(name.replace(/_(?:bucket|count|sum)$/, '')))
    assert.deepEqual(
      unknown.filter((name) => !known.has(name)),
      [],
    )
  })
})

describe('the dashboard', () => {
  it('has panels with ids of their own that do not overlap and fill 24 columns', () => {
    assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length)
    const taken = new Set<string>()
    for (const { title, gridPos } of panels) {
      assert.ok(gridPos && gridPos.x + gridPos.w <= 24, `${title}`)
      const { x, y, w, h } = gridPos
      for (let cell = 0; cell < w * h; cell++) {
        const at = `${x + (cell % w)},${y + Math.floor(cell / w)}`
        assert.ok(!taken.has(at), `${title} overlaps`)
        taken.add(at)
      }
    }
  })

  it('asks the data source that is provisioned', () => {
    const provisioned = read('observability/grafana/provisioning/datasources/prometheus.yml')
    const uids = JSON.stringify(panels).matchAll(/"uid":"([^"]+)"/g)
    for (const [, uid] of uids) assert.match(provisioned, new RegExp(`uid: ${uid}\\b`))
  })
})
