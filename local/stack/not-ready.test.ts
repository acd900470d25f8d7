import assert from 'node:assert/strict'
import { failingIn, lastWarningIn } from './not-ready.ts'

describe('what is said of a program that is not ready', () => {
  it('names the checks that fail, if it answers at all', () => {
    assert.equal(
      failingIn('{"status":"not ready","failing":["database","queue"]}'),
      'database, queue',
    )
    for (const body of ['', 'null', '<html>', '{"status":"ok"}']) assert.equal(failingIn(body), '')
  })

  it('is its last warning or error, with the reason', () => {
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
