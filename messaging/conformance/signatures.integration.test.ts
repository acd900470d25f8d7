import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import type { GetMessage } from 'amqplib'
import { eventually, eventuallyPasses } from '#testing/eventually.ts'
import { type Options, queue, to, useInbox } from '#testing/inbox.ts'
import { recordingLogger } from '#testing/logger.ts'
import { useOutbox } from '#testing/outbox.ts'
import {
  deadLetter,
  decode,
  handled,
  handleUnless,
  idsOf,
  newEvent,
  type Thing,
} from '#testing/things.ts'
import { sharedContentType } from '../broker/shared-message.ts'
import { parseSigningKeys } from '../index.ts'
import { sharedSignature, signatureHeader } from '../signatures/header.ts'
import { notSigned, signerWith, verifierWith } from '../signatures/signature.ts'

const newKey = (id: string) => parseSigningKeys(`${id}:${randomBytes(32).toString('base64')}`)
const [ours, older, foreign] = [newKey('new'), newKey('old'), newKey('new')]

describe('a relay that signs', () => {
  const { broker, relay, append, allPublished } = useOutbox()
  const verify = verifierWith(ours, { exchange: 'events', onUnsigned: () => notSigned })
  const publishedBy = async (options: Parameters<typeof relay>[0]) => {
    await append(12)
    relay(options)
    await allPublished()
    return broker.drain('all')
  }

  it('signs each event with its first key', async () => {
    const options = {
      signatures: 'required',
      signingKeys: [...ours, ...older],
      eventsPerMessage: 1,
    } as const
    for (const message of await publishedBy(options)) {
      const { content, properties } = message
      assert.equal(verify({ content, headers: properties.headers ?? {} }), undefined)
      assert.ok(properties.headers?.['relayed-at'])
    }
  })

  it('signs each event of a message that events share', async () => {
    const options = { signatures: 'if-present', signingKeys: ours, eventsPerMessage: 12 } as const
    const [message, ...more] = await publishedBy(options)
    assert.equal(more.length, 0)
    const lines = message?.content.toString().trimEnd().split('\n') ?? []
    const signatures = String(message?.properties.headers?.[signatureHeader]).split(' ')
    assert.deepEqual([lines.length, signatures.length], [12, 12])
    for (const [index, line] of lines.entries()) {
      const headers = { [signatureHeader]: signatures[index] }
      assert.equal(verify({ content: Buffer.from(line), headers }), undefined)
    }
  })

  it('signs nothing by default', async () => {
    for (const { properties } of await publishedBy({ signingKeys: ours })) {
      assert.equal(properties.headers?.[signatureHeader], undefined)
    }
  })
})

describe('a consumer that verifies', () => {
  const inbox = useInbox()
  const { broker, consume, send, redeliver, inboxIds, nextDeadLetters, ...those } = inbox
  const { hasHandled, isQueueEmpty, deadLetters, attempts } = those
  const required = { signatures: 'required', signingKeys: [...ours, ...older] } as const
  const bytesOf = (event: Thing) => Buffer.from(JSON.stringify(event))
  const signed = (content: Buffer, keys = ours, exchange = to.exchange) =>
    signerWith(keys)(content, exchange)
  const publish = (content: Buffer, headers: object, where: object = to) =>
    broker.publish(where as typeof to, content, { headers })
  const sendSigned = (event: Thing, keys = ours) =>
    publish(bytesOf(event), signed(bytesOf(event), keys))
  const reasonOf = (letter?: GetMessage) => letter?.properties.headers?.['dead-letter-reason']
  /** As the operator does. */
  const redrive = ({ content, properties }: GetMessage) =>
    publish(content, properties.headers ?? {}, { routingKey: queue })

  it('does nothing with what is not signed, or not rightly: it is not even decoded', async () => {
    const decoded: string[] = []
    const noting: NonNullable<Options['decode']> = (content) => {
      decoded.push(new TextDecoder().decode(content))
      return decode(content)
    }
    await consume({ ...required, decode: noting })
    const [good, bad, other] = [newEvent(), newEvent(), newEvent()]
    const content = bytesOf(bad)
    const refused = {
      'not-signed': [{}],
      'wrong-signature': [
        signed(content, foreign),
        signed(content, ours, 'another'),
        signed(bytesOf(other)),
      ],
    }
    for (const headers of Object.values(refused).flat()) await publish(content, headers)
    await sendSigned(good)
    await hasHandled([good])
    const letters = await nextDeadLetters(4)
    const reasons = Object.entries(refused).flatMap(([reason, all]) => all.map(() => reason))
    assert.deepEqual(letters.map(reasonOf).sort(), reasons)
    assert.ok(letters.every((letter) => letter.content.equals(content)))
    assert.deepEqual(await inboxIds(), idsOf([good]))
    assert.deepEqual(decoded, [bytesOf(good).toString()])
    await eventually(isQueueEmpty)
  })

  it('refuses it also when it was delivered before', async () => {
    await send(newEvent())
    await redeliver(1)
    await consume(required)
    assert.deepEqual((await nextDeadLetters(1)).map(reasonOf), ['not-signed'])
    assert.equal((await attempts()).length, 0)
    assert.deepEqual(await inboxIds(), [])
  })

  it('verifies again what is sent again: a dead letter keeps its signature', async () => {
    let times = 0
    const strange = newEvent('strange')
    await consume({
      ...required,
      handle: handleUnless(() => (++times === 1 ? deadLetter('strange', 'so odd') : handled)),
    })
    await sendSigned(strange)
    const [letter] = await nextDeadLetters(1)
    assert.ok(letter)
    const forged = JSON.stringify({ ...strange, note: 'forged' })
    await redrive({ ...letter, content: Buffer.from(forged) })
    assert.deepEqual((await nextDeadLetters(1)).map(reasonOf), ['wrong-signature'])
    await redrive(letter)
    await eventuallyPasses(async () => assert.deepEqual(await inboxIds(), idsOf([strange])))
    assert.equal(times, 2)
  })

  it('keeps the signature where headers are too large to be sent on', async () => {
    const event = newEvent('strange')
    const headers = signed(bytesOf(event))
    await consume({ ...required, handle: handleUnless(() => deadLetter('strange', 'so odd')) })
    await publish(bytesOf(event), { ...headers, padding: 'x'.repeat(65_400) })
    const [letter] = await nextDeadLetters(1)
    assert.equal(reasonOf(letter), 'strange')
    assert.equal(letter?.properties.headers?.padding, undefined)
    assert.equal(letter?.properties.headers?.[signatureHeader], headers[signatureHeader])
  })

  it('knows the key before for as long as it has it, and loses nothing after that', async () => {
    const [first, second] = [newEvent(), newEvent()]
    const both = await consume(required)
    await sendSigned(first, older)
    await hasHandled([first])
    await both.close()
    const one = await consume({ ...required, signingKeys: ours })
    await sendSigned(second, older)
    const [letter] = await nextDeadLetters(1)
    assert.match(letter?.properties.headers?.['last-error'], /the key "old" is not known here/)
    await one.close()
    await consume(required)
    await redrive(letter as GetMessage)
    await hasHandled([first, second])
  })

  it('refuses one event of a message alone, and each dead letter has its own signature', async () => {
    const events = [newEvent(), newEvent('strange'), newEvent()] as const
    const all = events.map((event) => signed(bytesOf(event)))
    const lines = [events[0], events[1], { ...events[2], note: 'forged' }].map(bytesOf)
    const content = Buffer.from(`${lines.join('\n')}\n`)
    let times = 0
    await consume({
      ...required,
      handle: handleUnless(() => (++times === 1 ? deadLetter('strange', 'so odd') : handled)),
    })
    const headers = sharedSignature(all)
    await broker.publish(to, content, { contentType: sharedContentType, headers })
    await hasHandled([events[0]])
    const letters = await nextDeadLetters(2)
    assert.deepEqual(letters.map(reasonOf).sort(), ['strange', 'wrong-signature'])
    for (const letter of letters) await redrive(letter)
    assert.deepEqual((await nextDeadLetters(1)).map(reasonOf), ['wrong-signature'])
    const known = idsOf([events[0], events[1]])
    await eventuallyPasses(async () => assert.deepEqual(await inboxIds(), known))
  })

  it('takes what is not signed while that is allowed, says so, and refuses what is wrong', async () => {
    const { logger, said } = recordingLogger()
    await consume({ ...required, signatures: 'if-present', logger })
    const [plain, good, bad] = [newEvent(), newEvent(), newEvent()]
    await send(plain)
    await sendSigned(good)
    await sendSigned(bad, foreign)
    await hasHandled([plain, good])
    assert.deepEqual((await nextDeadLetters(1)).map(reasonOf), ['wrong-signature'])
    assert.deepEqual(
      said.filter((line) => line === 'taken without a signature'),
      ['taken without a signature'],
    )
  })

  it('believes everybody by default', async () => {
    const event = newEvent()
    await consume()
    await sendSigned(event, foreign)
    await hasHandled([event])
    assert.equal(await deadLetters(), 0)
  })
})
