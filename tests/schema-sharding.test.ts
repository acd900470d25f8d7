import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'

/**
 * What a database that shards by schema (Citus) refuses in an UPDATE, also in that of ON CONFLICT:
 * what it would evaluate on another node than that of the row. docs/scaling.md has the other way.
 */
const refused: Record<string, RegExp> = {
  'a VOLATILE function': /\b(?:clock_timestamp|random|nextval|uuidv7|gen_random_uuid)\(/,
  'a column in the arithmetic of a time': /\b[a-z]\w*_(?:ms|at) (?:\*|\+|-) interval\b/,
  'a function that is not IMMUTABLE, in ON CONFLICT':
    /\bDO UPDATE\b[^`]*\b(?:now|clock_timestamp)\(/,
}

/** What is still so, since the other way costs a round trip or another meaning. */
const known = [
  'markFailed',
  'markPublished',
  'saveProgress',
  'setRefundAccepted',
  'setRequested',
  'setStatuses',
]

/** Of a statement: what it changes, from its UPDATE on. */
const changeOf = (statement: string): string =>
  /(?:\b(?:DO )?UPDATE\b|\.updateTable\()[\s\S]*/.exec(statement)?.[0] ?? ''

const faultsOf = (statement: string): string[] =>
  Object.keys(refused).filter((fault) => refused[fault]?.test(changeOf(statement)))

/** Each function of a file of rows, without its comments. */
const functionsOf = (path: string): { name: string; text: string }[] =>
  readFileSync(path, 'utf8')
    .replace(/^\s*(?:\/\*\*[\s\S]*?\*\/|\/\/.*)/gm, '')
    .split(/^(?=(?:export )?(?:const|async function|function) )/m)
    .map((text) => ({ name: /(?:const|function) (\w+)/.exec(text)?.[1] ?? '', text }))

describe('SQL for tables in shards', () => {
  const paths = globSync(
    '{chassis,idempotency,messaging,metrics,operator,orders-*,payments-*,principal}/**/*rows.ts',
  )
  const functions = paths.flatMap(functionsOf)

  it('has no other statements than the known ones that a database with sharded schemas refuses', () => {
    assert.ok(functions.filter(({ text }) => changeOf(text) !== '').length > 15)
    const found = functions.filter(({ text }) => faultsOf(text).length > 0)
    assert.deepEqual([...new Set(found.map(({ name }) => name))].sort(), known)
  })

  it('finds each form', () => {
    const forms = [
      "UPDATE accounts SET updated_at = clock_timestamp() WHERE user_id = 'u'",
      "UPDATE o SET due_at = now() + r.retry_ms * interval '1 ms' FROM r",
      'INSERT INTO a VALUES (1) ON CONFLICT (id) DO UPDATE SET at = now()',
    ]
    for (const [index, form] of forms.entries()) {
      assert.deepEqual(faultsOf(form), [Object.keys(refused)[index]])
    }
    assert.deepEqual(faultsOf('INSERT INTO a SELECT clock_timestamp()'), [])
    assert.deepEqual(faultsOf("UPDATE a SET at = now() + 5 * interval '1 ms'"), [])
  })

  it('is described with its known statements', () => {
    const document = readFileSync('docs/scaling.md', 'utf8')
    assert.deepEqual(
      known.filter((name) => !document.includes(`\`${name}\``)),
      [],
    )
  })
})
