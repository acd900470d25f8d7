import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'

/** Where a process, a command or a container takes a variable from. */
const readings = [
  /\b(?:integer|text|oneOf|\w+Url)\(\s*'([A-Z][A-Z0-9_]+)'/g,
  /\benv\.([A-Z][A-Z0-9_]+)/g,
  /(?<!:-)\$\{([A-Z][A-Z0-9_]+)(?=[:}])/g,
]
/** Others name them: Docker, and Node. */
const foreign = ['COMPOSE_PROJECT_NAME', 'NODE_ENV', 'PATH']

describe('docs/configuration.md', () => {
  const files = globSync([
    '{chassis,messaging,migrations,operator,orders-*,payments-*}/**/*.ts',
    'local/stack/*.ts',
    'docker-compose.yml',
  ]).filter((path) => !path.endsWith('.test.ts'))

  it('names the variables that are read, and no other', () => {
    const read = files.flatMap((path) => {
      const text = readFileSync(path, 'utf8')
      return readings.flatMap((reading) => [...text.matchAll(reading)].map(([, name = '']) => name))
    })
    const [, table = ''] = readFileSync('docs/configuration.md', 'utf8').split('## Variables')
    const rows = table.split('\n').filter((line) => line.startsWith('| `'))
    const named = rows.flatMap((row) => [...(row.split('|')[1] ?? '').matchAll(/`(\w+)`/g)])
    assert.deepEqual(
      [...new Set(named.map(([, name = '']) => name))].sort(),
      [...new Set(read)].filter((name) => !foreign.includes(name)).sort(),
    )
  })
})
