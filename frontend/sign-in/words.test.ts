import assert from 'node:assert/strict'
import {
  AuthorizationResponseError,
  OperationProcessingError,
  ResponseBodyError,
} from 'oauth4webapi'
import { SignInError } from '../lib/sign-in-error.ts'
import { wordsOf } from './words.ts'

/** What the provider sends the browser back with. */
const refused = (error: string, error_description = '') =>
  new AuthorizationResponseError('refused', {
    cause: new URLSearchParams({ error, ...(error_description && { error_description }) }),
  })
/** What it answers to the page. */
const answered = (error: string) =>
  new ResponseBodyError('refused', {
    cause: { error },
    response: new Response('', { status: 400 }),
  })
const fault = (code: string, cause: unknown) =>
  new OperationProcessingError('it is wrong', { code, cause })

describe('wordsOf', () => {
  const cases: [string, unknown, RegExp, boolean][] = [
    ['no connection', new TypeError('fetch failed'), /does not answer/, true],
    ['no answer in time', new DOMException('late', 'TimeoutError'), /does not answer/, true],
    ['a gateway that says so', fault('', new Response('', { status: 502 })), /not answer/, true],
    ['half of an answer', fault('', new TypeError('terminated')), /does not answer/, true],
    ['a provider that says so', refused('temporarily_unavailable'), /does not answer/, true],
    ['somebody who cancels', refused('access_denied'), /you cancelled/, false],
    ['nobody who is signed in', refused('login_required'), /^Sign in to go on\.$/, false],
    ['a question to the user', refused('consent_required'), /^Sign in to go on\.$/, false],
    ['a refresh token that is over', answered('invalid_grant'), /Your session is over/, false],
    ['another clock', fault('OAUTH_JWT_TIMESTAMP_CHECK_FAILED', {}), /clock of this device/, false],
    [
      'a scope that nobody knows',
      refused('invalid_scope', 'no such scope'),
      /no such scope/,
      false,
    ],
    [
      'a client that nobody knows',
      answered('invalid_client'),
      /invalid_client.*security\.md/,
      false,
    ],
    ['a wrong answer', fault('OAUTH_INVALID_RESPONSE', {}), /it is wrong.*security\.md/, false],
  ]
  for (const [name, error, words, isTemporary] of cases) {
    it(`has words for ${name}`, () => {
      const said = wordsOf(error)
      assert.ok(said instanceof SignInError)
      assert.match(said.message, words)
      assert.equal(said.isTemporary, isTemporary)
    })
  }

  it('leaves a fault of the page what it is', () => {
    const own = new RangeError('ours')
    assert.equal(wordsOf(own), own)
  })
})
