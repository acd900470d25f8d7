import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { Context } from 'koa'
import { Problem } from '#http/problem.ts'
import { idempotencyKeyOf } from './key.ts'

/** The key of a request with these values of the header. */
const keyOf = (...values: string[]) => {
  const headersDistinct = values.length > 0 ? { 'idempotency-key': values } : {}
  return idempotencyKeyOf({ req: { headersDistinct } } as unknown as Context)
}
const isProblem400 = (error: unknown) => error instanceof Problem && error.status === 400
const printable = fc.stringMatching(/^[\x20-\x7e]{1,255}$/)

describe('idempotencyKeyOf', () => {
  it('has no key when there is no header', () => assert.equal(keyOf(), undefined))

  it('reads a key bare', () => {
    const bare = printable.filter((key) => !key.startsWith('"'))
    fc.assert(fc.property(bare, (key) => assert.equal(keyOf(key), key)))
  })

  it('reads the same key quoted', () => {
    fc.assert(
      fc.property(printable, (key) => {
        assert.equal(keyOf(`"${key.replace(/["\\]/g, '\\$&')}"`), key)
      }),
    )
  })

  it('takes a key of 255 characters, and not of 256, quotes apart', () => {
    assert.equal(keyOf('k'.repeat(255)), 'k'.repeat(255))
    assert.equal(keyOf(`"${'k'.repeat(255)}"`), 'k'.repeat(255))
    assert.throws(() => keyOf('k'.repeat(256)), isProblem400)
    assert.throws(() => keyOf(`"${'k'.repeat(256)}"`), isProblem400)
  })

  for (const value of [
    '',
    '""',
    '"open',
    '"inner"quote"',
    '"\\x"',
    'ümlaut',
    'tab\there',
    '\u007f',
  ]) {
    it(`refuses ${JSON.stringify(value)}`, () => assert.throws(() => keyOf(value), isProblem400))
  }

  it('refuses two headers, since it cannot know which one is meant', () => {
    assert.throws(() => keyOf('one', 'one'), isProblem400)
  })
})
