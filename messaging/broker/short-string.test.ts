import assert from 'node:assert/strict'
import fc from 'fast-check'
import { republishable, shortString } from './short-string.ts'

describe('shortString', () => {
  for (const [what, text, cut] of [
    ['nothing', '', ''],
    ['255 bytes', 'x'.repeat(255), 'x'.repeat(255)],
    ['256 bytes', 'x'.repeat(256), 'x'.repeat(255)],
    ['bytes that were no text', '\ufffd'.repeat(255), '\ufffd'.repeat(85)],
    ['two bytes too many', 'é'.repeat(128), 'é'.repeat(127)],
    ['a character across the limit', `${'x'.repeat(252)}😀`, 'x'.repeat(252)],
  ] as const) {
    it(`makes of ${what} a text of ${Buffer.byteLength(cut)} bytes`, () =>
      assert.equal(shortString(text), cut))
  }

  it('gives the beginning of any text, as much as fits, in whole characters', () => {
    const character = fc.constantFrom('a', '\0', 'é', '\ufffd', '😀')
    const long = fc.string({ unit: character, maxLength: 300 })
    fc.assert(
      fc.property(long, (text) => {
        const short = shortString(text)
        const bytes = Buffer.byteLength(short)
        assert.ok(text.startsWith(short) && short.isWellFormed())
        assert.ok(short === text ? bytes <= 255 : bytes >= 252 && bytes <= 255)
      }),
    )
  })
})

describe('republishable', () => {
  it('cuts each text that would not fit, and leaves the rest as it is', () => {
    const headers = { note: 'x'.repeat(300) }
    const came = { type: '\ufffd'.repeat(86), messageId: 'm-1', priority: 3, headers }
    const sent = { ...came, type: '\ufffd'.repeat(85), deliveryMode: 2 }
    assert.deepEqual(republishable({ ...came, appId: undefined }), sent)
  })

  it('keeps how long a message lasts as its sender chose, and not for how long', () => {
    const came = { deliveryMode: 1, expiration: '9', userId: 'u', clusterId: 'c' }
    assert.deepEqual(republishable(came), { deliveryMode: 1 })
  })
})
