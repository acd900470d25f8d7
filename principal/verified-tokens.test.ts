import assert from 'node:assert/strict'
import { eventually } from '#testing/eventually.ts'
import { Principal } from './principal.ts'
import { VerifiedTokens } from './verified-tokens.ts'

const user = (userId: string, seconds = 60) =>
  Principal.ofToken({ userId, expiresAt: Date.now() / 1_000 + seconds }) as Principal

describe('verified tokens', () => {
  it('are known until they expire', async () => {
    const tokens = new VerifiedTokens()
    tokens.add('short', user('alice', 0.1))
    tokens.add('long', user('bob'))
    assert.equal(tokens.get('short')?.userId, 'alice')
    await eventually(() => tokens.get('short') === undefined)
    assert.equal(tokens.get('long')?.userId, 'bob')
  })

  it('are forgotten, the oldest first, when there are too many, and all of them when keys change', () => {
    const tokens = new VerifiedTokens(2)
    for (const name of ['a', 'b', 'b', 'c']) tokens.add(name, user(name))
    const known = () => ['a', 'b', 'c'].filter((name) => tokens.get(name))
    assert.deepEqual(known(), ['b', 'c'])
    tokens.clear()
    assert.deepEqual(known(), [])
  })
})
