import assert from 'node:assert/strict'
import type { Reply } from './client.ts'

/** Asserts a complete problem document; returns its body for further assertions. */
export function expectProblem({ status, headers, body }: Reply, expected: number) {
  assert.equal(status, expected, JSON.stringify(body))
  assert.match(headers.get('content-type') ?? '', /^application\/problem\+json/)
  assert.equal(body.status, expected)
  for (const field of ['type', 'title', 'detail', 'instance']) {
    assert.equal(typeof body[field], 'string', `${field} of ${JSON.stringify(body)}`)
  }
  assert.equal(headers.get('x-request-id'), body.instance)
  return body as { detail: string; errors?: { pointer: string; message: string }[] }
}
