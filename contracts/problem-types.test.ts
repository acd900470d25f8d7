import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { type ProblemStatus, problemHead, problemKinds, problemTypeOf } from './problem-types.ts'

const gateway = readFileSync('gateway/gateway.conf.template', 'utf8')

/** What nginx makes of each status in one of the gateway's maps. */
function mapOf(variable: string): [status: string, text: string][] {
  const [, body = ''] = gateway.split(`map $status $${variable} {`)
  const [lines = ''] = body.split('}')
  return [...lines.matchAll(/^\s*(\w+)\s+"?([^"]+?)"?;$/gm)].map(([, status, text]) => [
    status ?? '',
    text ?? '',
  ])
}

/** For nginx, what is not listed is a fault of its own. */
const typeOf = (status: string) =>
  problemTypeOf(status === 'default' ? 500 : (Number(status) as ProblemStatus))

describe('the types of problems', () => {
  it('have one title each', () => {
    const titles = Object.values(problemKinds).map(({ title }) => title)
    assert.equal(new Set(titles).size, titles.length)
  })

  it('tell what may be repeated from a conflict, and a misused key from an invalid request', () => {
    const uris = ([409, 'request-in-progress', 422, 'idempotency-key-reused'] as const).map(
      (kind) => problemHead(problemTypeOf(kind)),
    )
    assert.deepEqual(
      uris.map(({ type, status }) => [type, status]),
      [
        ['/problems/conflict', 409],
        ['/problems/request-in-progress', 409],
        ['/problems/invalid', 422],
        ['/problems/idempotency-key-reused', 422],
      ],
    )
  })

  it('are the same at the gateway, with the same titles', () => {
    const slugs = mapOf('problem_slug')
    assert.ok(slugs.length > 10)
    assert.deepEqual(
      slugs.map(([status, slug]) => [status, slug]),
      slugs.map(([status]) => [status, typeOf(status)]),
    )
    assert.deepEqual(
      mapOf('problem_title'),
      slugs.map(([status]) => [status, problemKinds[typeOf(status)].title]),
    )
    assert.deepEqual(
      mapOf('problem_detail').map(([status]) => status),
      slugs.map(([status]) => status),
    )
  })
})
