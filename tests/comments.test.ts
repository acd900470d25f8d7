import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'

/** The formatter breaks code, but no comments. */
const maxColumns = 100

const folders =
  '{bench,chassis,client,contracts,docs,frontend,http,idempotency,limits,local,messaging,metrics,migrations,operator,orders-*,payments-*,rabbitmq-3.10,principal,reliability,roles,tests,tracing,workers}/**/*.{ts,mjs}' as const

/** Lines that are only a comment and too long, as `file:line`; of line comments and JSDoc. */
const longComments = (file: string, text: string): string[] =>
  text
    .split('\n')
    .flatMap((line, index) =>
      line.length > maxColumns && /^\s*(\/\/|\/\*|\*)/.test(line) ? [`${file}:${index + 1}`] : [],
    )

describe('comments', () => {
  it(`have lines of ${maxColumns} columns at most`, () => {
    const files = globSync(folders)
    assert.ok(files.length > 200)
    const found = files.flatMap((file) => longComments(file, readFileSync(file, 'utf8')))
    assert.deepEqual(found, [])
  })

  it('are found by file and line when they are too long, of either style', () => {
    const long = 'x'.repeat(maxColumns)
    const text = [`// ${long}`, `const code = '${long}'`, '/**', ` * ${long}`, ' */', '// short']
    assert.deepEqual(longComments('a.ts', text.join('\n')), ['a.ts:1', 'a.ts:4'])
  })
})
