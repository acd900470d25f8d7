import assert from 'node:assert/strict'
import fc from 'fast-check'
import { decoderOf } from '#contracts/decode-event.ts'
import { hasKeyTwice } from '#contracts/exact-json.ts'
import { eventIn } from './event-documents.ts'
import { messageCases, partsOf } from './inputs/messages.ts'

/** What its consumer makes of an event, without the way there. */
const decoders = { orders: decoderOf('orders'), payments: decoderOf('payments') }

describe('the decoder, by the inputs of the fuzzer', () => {
  it('takes only events that their document knows, and says of the others why not', () => {
    const kinds = new Set<string>()
    for (const one of fc.sample(messageCases, { seed: 1, numRuns: 1_000 })) {
      for (const content of partsOf(one)) {
        const decoded = decoders[one.to](Buffer.from(content, 'latin1'))
        kinds.add(decoded.kind === 'event' ? 'event' : decoded.reason)
        if (decoded.kind === 'invalid') {
          assert.ok(decoded.error)
          continue
        }
        assert.deepEqual(eventIn(content), { id: decoded.event.id, isEvent: true }, content)
        assert.ok(!hasKeyTwice(Buffer.from(content, 'latin1').toString(), decoded.event), content)
      }
    }
    assert.deepEqual([...kinds].sort(), [
      ...['doubled-key', 'event', 'not-json', 'not-the-schema', 'unknown-type', 'unknown-version'],
    ])
  })
})
