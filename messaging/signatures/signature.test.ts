import assert from 'node:assert/strict'
import { createHmac, randomBytes } from 'node:crypto'
import { headersOfEach, sharedSignature, signatureHeader, signatureOf } from './header.ts'
import { notSigned, signerWith, verifierWith } from './signature.ts'
import { parseSigningKeys } from './signing-keys.ts'

const newKeys = (...ids: string[]) =>
  parseSigningKeys(ids.map((id) => `${id}:${randomBytes(32).toString('base64')}`).join(','))
const [a, b, foreign] = [newKeys('a'), newKeys('b'), newKeys('a')]
const content = Buffer.from('{"id":"1"}')
const signed = signerWith(a)(content, 'orders.events')
const believe = (message: { content: Buffer; headers: object }, keys = a) =>
  verifierWith(keys, { exchange: 'orders.events', onUnsigned: () => notSigned })({
    ...message,
    headers: { ...message.headers },
  })?.reason

describe('the signature of an event', () => {
  it('is an HMAC-SHA256 of what the bytes are, whom they are for, and the bytes', () => {
    const secret = Buffer.alloc(32, 7)
    const keys = parseSigningKeys(`2026-11:${secret.toString('base64url')}`)
    const text = `["application/cloudevents+json","orders.events"]\n${content}`
    const mac = createHmac('sha256', secret).update(text).digest('base64url')
    assert.deepEqual(signerWith(keys)(content, 'orders.events'), {
      'event-signature': `2026-11:${mac}`,
    })
  })

  it('is right for the same bytes only', () => {
    assert.equal(believe({ content, headers: signed }), undefined)
    assert.equal(
      believe({ content: Buffer.from('{"id":"2"}'), headers: signed }),
      'wrong-signature',
    )
    assert.equal(
      believe({ content: Buffer.from(`${content} `), headers: signed }),
      'wrong-signature',
    )
  })

  it('is right for one exchange only, even with the same key', () => {
    const headers = signerWith(a)(content, 'payments.events')
    assert.equal(believe({ content, headers }), 'wrong-signature')
  })

  it('is by the first key, and verified with all', () => {
    const headers = signerWith([...b, ...a])(content, 'orders.events')
    assert.match(String(headers[signatureHeader]), /^b:/)
    assert.equal(believe({ content, headers }, [...a, ...b]), undefined)
    assert.equal(believe({ content, headers }, a), 'wrong-signature')
  })

  const value = String(signed[signatureHeader])
  for (const [what, header, reason] of [
    ['none', undefined, 'not-signed'],
    ['by a foreign key of the same id', signerWith(foreign)(content, 'orders.events'), ''],
    ['of another id', { [signatureHeader]: value.replace('a:', 'z:') }, ''],
    ['cut', { [signatureHeader]: value.slice(0, -1) }, ''],
    ['with more behind it', { [signatureHeader]: `${value}:` }, ''],
    ['twice', { [signatureHeader]: `${value} ${value}` }, ''],
    ['empty', { [signatureHeader]: '' }, ''],
    ['only the id', { [signatureHeader]: 'a' }, ''],
    ['bytes', { [signatureHeader]: Buffer.from(value) }, ''],
    ['what cannot become a text', { [signatureHeader]: { toString: 1 } }, ''],
    ['null', { [signatureHeader]: null }, ''],
  ] as const) {
    it(`is refused when it is ${what}`, () => {
      assert.equal(believe({ content, headers: { ...header } }), reason || 'wrong-signature')
    })
  }

  it('needs a key', () => {
    assert.throws(() => signerWith([]), /without a key/)
    assert.throws(() => believe({ content, headers: signed }, []), /without a key/)
  })

  it('stays with its event in a message that events share', () => {
    const events = ['1', '2', '3'].map((id) => Buffer.from(JSON.stringify({ id })))
    const all = events.map((event) => signerWith(a)(event, 'orders.events'))
    const headersOf = headersOfEach({ ...sharedSignature(all), other: 'kept' })
    for (const [index, event] of events.entries()) {
      assert.deepEqual(headersOf(index), { ...all[index], other: 'kept' })
      assert.equal(believe({ content: event, headers: headersOf(index) }), undefined)
    }
    assert.equal(believe({ content, headers: headersOf(1) }), 'wrong-signature')
    assert.equal(believe({ content, headers: headersOf(3) }), 'not-signed')
  })

  it('is kept alone where nothing else of a sender is, unless it is none of ours', () => {
    assert.deepEqual(signatureOf({ ...signed, padding: 'x' }), signed)
    assert.deepEqual(signatureOf({ [signatureHeader]: 'x'.repeat(1_000) }), {})
    assert.deepEqual(signatureOf({ [signatureHeader]: 7 }), {})
  })
})

describe('the keys of signatures', () => {
  const secret = randomBytes(32).toString('base64')

  it('are read with commas, or a line each', () => {
    const ids = (text: string) => parseSigningKeys(text).map(({ id }) => id)
    assert.deepEqual(ids(`new:${secret},old:${secret}`), ['new', 'old'])
    assert.deepEqual(ids(`\nnew:${secret}\r\nold:${secret}\n`), ['new', 'old'])
  })

  for (const [what, text, said] of [
    [
      'a short secret',
      `good:${secret},short:${randomBytes(31).toString('base64')}`,
      /Key 2 is not/,
    ],
    ['no id', secret, /must be ID:SECRET.*Key 1 is not/],
    ['an odd id', `a b:${secret}`, /Key 1 is not/],
    ['a secret that is no base64', `a:${'!'.repeat(64)}`, /Key 1 is not/],
    ['an id twice', `a:${secret},b:${secret},a:${secret}`, /has the id a twice/],
  ] as const) {
    it(`are refused with ${what}, and not repeated`, () => {
      assert.throws(
        () => parseSigningKeys(text),
        ({ message }: Error) => said.test(message) && !message.includes(secret),
      )
    })
  }

  it('are never shown by what prints them', () => {
    const [key] = parseSigningKeys(`a:${secret}`)
    const { inspect } = process.getBuiltinModule('util')
    assert.ok(!`${JSON.stringify(key)}${inspect(key, { depth: 9 })}`.includes(secret.slice(0, 20)))
  })
})
