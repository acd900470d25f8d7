import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import type { Variable } from '#chassis/config.ts'
import { consumerVariables, relayVariables } from '#messaging/index.ts'

/** Where a process, a command or a container takes a variable from. */
const readings = [
  /\b(?:integer|text|oneOf|\w+Url)\(\s*'([A-Z][A-Z0-9_]+)'/g,
  /\bname: '(JWT_[A-Z_]+)'/g,
  /\benv\.([A-Z][A-Z0-9_]+)/g,
  /(?<!:-)\$\{([A-Z][A-Z0-9_]+)(?=[:}])/g,
]
/** Others name them: Docker, Node and PostgreSQL. */
const foreign = [
  ...['COMPOSE_PROJECT_NAME', 'NODE_ENV', 'NODE_TLS_REJECT_UNAUTHORIZED', 'PATH', 'PGSSLMODE'],
]

/** What docs/configuration.md says of each variable. */
const rows = readFileSync('docs/configuration.md', 'utf8')
  .split('\n')
  .filter((line) => /^\| `[A-Z]/.test(line))
  .map((line) => line.split('|').map((cell) => cell.trim().replaceAll('`', '')))
const defaults = new Map(rows.map(([, names = '', value = '']) => [names, value]))
const documented = [...defaults.keys()].flatMap((names) => names.split(', '))

describe('docs/configuration.md', () => {
  it('names the variables that are read, and no other', () => {
    const files = globSync([
      '{chassis,demo-provider,http,idempotency,limits,messaging,migrations,operator,principal}/**/*.ts',
      '{tracing,workers}/**/*.ts',
      '{orders,payments}-*/**/*.ts',
      'local/stack/*.ts',
      'docker-compose{,.cluster}.yml',
    ]).filter((path) => !path.endsWith('.test.ts'))
    const read = files.flatMap((path) => {
      const text = readFileSync(path, 'utf8')
      return readings.flatMap((reading) => [...text.matchAll(reading)].map(([, name = '']) => name))
    })
    assert.deepEqual(
      documented.toSorted(),
      [...new Set(read)].filter((name) => !foreign.includes(name)).sort(),
    )
  })

  it('names all variables of the engine, with their defaults', () => {
    const all = [relayVariables(''), consumerVariables('')]
    const own = all.flatMap((read) => Object.values<Variable<unknown>>(read))
    const tuned = own.filter(({ fallback }) => fallback !== undefined)
    assert.deepEqual(
      documented.filter((name) => /^(?:RELAY|CONSUMER|OUTBOX|INBOX|RETENTION)_/.test(name)).sort(),
      tuned.map(({ name }) => name).sort(),
    )
    for (const { name, fallback } of tuned) {
      assert.equal(defaults.get(name), String(fallback), name)
    }
  })

  it('names what .env.example sets, with the same defaults', () => {
    const example = readFileSync('.env.example', 'utf8')
    const set = [...example.matchAll(/^([A-Z_]+)=(.+)$/gm)]
    assert.ok(set.length > 5)
    for (const [, name = '', value] of set) {
      assert.ok(documented.includes(name), name)
      if (!name.endsWith('_PASSWORD')) assert.equal(defaults.get(name), value, name)
    }
  })
})
