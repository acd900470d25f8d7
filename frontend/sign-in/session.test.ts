import assert from 'node:assert/strict'
import { SignInError } from '../lib/sign-in-error.ts'
import { Session } from './session.ts'

const tokensOf = (access_token: string, expires_in: number, more = {}) =>
  ({ access_token, expires_in, token_type: 'bearer', ...more }) as const
const away = new SignInError('away', { isTemporary: true })
const over = new SignInError('over')

describe('a session', () => {
  let ends = 0
  /** What was used to renew. */
  let used: string[] = []
  beforeEach(() => {
    ends = 0
    used = []
  })
  /** With a token that lasts so long, and what comes of each renewal. */
  function open(seconds: number, renewals: unknown[], refresh_token: string | undefined = 'first') {
    const renew = async (refreshToken: string) => {
      used.push(refreshToken)
      const next = renewals.shift()
      if (next instanceof Error) throw next
      return next as never
    }
    const first = tokensOf('one', seconds, refresh_token && { refresh_token })
    return new Session('alice', first, { renew, onOver: () => ends++ })
  }

  it('gives its token until shortly before the end', async () => {
    assert.equal(await open(300, []).token(), 'one')
  })

  it('renews a token once for all who ask, and uses each refresh token once', async () => {
    const session = open(0, [
      tokensOf('two', 0, { refresh_token: 'second' }),
      tokensOf('three', 300),
    ])
    assert.deepEqual(await Promise.all([session.token(), session.token()]), ['two', 'two'])
    assert.equal(await session.token(), 'three')
    assert.deepEqual(used, ['first', 'second'])
  })

  it('renews a token that was refused, and not the one that has replaced it', async () => {
    const session = open(300, [tokensOf('two', 300)])
    assert.equal(await session.token('one'), 'two')
    assert.equal(await session.token('one'), 'two')
    assert.deepEqual(used, ['first'])
  })

  it('goes on with a token that still counts while the provider is away', async () => {
    const session = open(40, [away])
    const inHalfAMinute = Date.now() + 30_000
    const { now } = Date
    Date.now = () => inHalfAMinute
    const token = await session.token().finally(() => {
      Date.now = now
    })
    assert.deepEqual([token, used, ends], ['one', ['first'], 0])
  })

  it('says that the provider is away, and tries again when it is asked again', async () => {
    const session = open(0, [away, tokensOf('two', 300)])
    await assert.rejects(session.token(), away)
    assert.deepEqual([await session.token(), ends], ['two', 0])
  })

  it('is over once when the provider says so, whoever asks', async () => {
    const session = open(0, [over])
    await assert.rejects(session.token(), over)
    await assert.rejects(session.token(), /Your session is over/)
    assert.deepEqual([used, ends], [['first'], 1])
  })

  it('is over with its token when there is no refresh token', async () => {
    await assert.rejects(open(0, [], '').token(), /Your session is over/)
    assert.deepEqual([used, ends], [[], 1])
  })
})
