import assert from 'node:assert/strict'
import { failingChecksIn, lastWarningIn } from './not-ready.ts'

describe('the reason why a program is not ready', () => {
  it('has the failing checks, if the program answers', () => {
    assert.equal(
      failingChecksIn('{"status":"not ready","failing":["database","queue"]}'),
      'database, queue',
    )
    for (const body of ['', 'null', '<html>', '{"status":"ok"}'])
      assert.equal(failingChecksIn(body), '')
  })

  it('has the last warning or error of its log', () => {
    const log = [
      '{"level":"warn","msg":"not this one"}',
      '{"level":"error","msg":"not consuming, will retry","err":{"message":"403 (ACCESS-REFUSED)"}}',
      '{"level":"info","msg":"listening"}',
      'no JSON {',
    ]
    assert.equal(lastWarningIn(log.join('\n')), 'not consuming, will retry: 403 (ACCESS-REFUSED)')
    assert.equal(lastWarningIn('{"level":"info","msg":"listening"}\nnull\n7\n'), '')
  })
})
