import assert from 'node:assert/strict'
import { RefusedUsers } from './refused-users.ts'
import { policyOf, rateLimitHeaders, remaining } from './user-policy.ts'

describe('the policy of a user', () => {
  it('says as the draft has it how many requests there may be, and how many are left', () => {
    assert.deepEqual(rateLimitHeaders(policyOf(50), 7), {
      'RateLimit-Policy': '"user";q=100;w=2',
      RateLimit: '"user";r=7;t=1',
    })
  })

  it('has a whole burst left when nothing is spent, and never less than none', () => {
    const policy = policyOf(10)
    assert.equal(remaining(policy, 0), 20)
    assert.equal(remaining(policy, 100), 19)
    assert.equal(remaining(policy, 150), 18)
    assert.equal(remaining(policy, 2_000), 0)
    assert.equal(remaining(policy, 9_000), 0)
    assert.equal(remaining(policy, -5), 20)
  })
})

describe('RefusedUsers', () => {
  it('has a user until the next token is due', () => {
    const refused = new RefusedUsers()
    refused.add('alice', 1_000)
    assert.equal(refused.has('alice', 999), true)
    assert.equal(refused.has('bob', 999), false)
    assert.equal(refused.has('alice', 1_000), false)
  })

  it('takes no more memory however many there are', () => {
    const refused = new RefusedUsers()
    for (let n = 0; n <= 10_000; n++) refused.add(`user-${n}`, 1)
    assert.equal(refused.has('user-0', 0), false)
    assert.equal(refused.has('user-10000', 0), true)
  })
})
