import assert from 'node:assert/strict'
import fc from 'fast-check'
import { PostgresMessages } from './postgres-messages.ts'

/** A message of the server: its type, its length, its body. */
function message(type: string, body: string): Buffer {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(body.length + 4)
  return Buffer.concat([Buffer.from(type), length, Buffer.from(body, 'latin1')])
}

/** The stream cut into pieces of these lengths, over and over. */
function* pieces(stream: Buffer, lengths: number[]) {
  for (let at = 0, turn = 0; at < stream.length; turn++) {
    const length = lengths[turn % lengths.length] as number
    yield stream.subarray(at, at + length)
    at += length
  }
}

describe('PostgresMessages', () => {
  const sent = fc.array(fc.tuple(fc.constantFrom('A', 'D', 'Z'), fc.string({ maxLength: 20 })))
  const lengths = fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1 })

  for (const drops of [false, true]) {
    it(`passes on ${drops ? 'all but notifications' : 'everything'}, however it is cut`, () => {
      fc.assert(
        fc.property(sent, lengths, (all, lengths) => {
          const messages = new PostgresMessages()
          const whole = Buffer.concat(all.map((each) => message(...each)))
          const passed = [...pieces(whole, lengths)].map((piece) => messages.pass(piece, drops))
          const kept = all.filter(([type]) => !drops || type !== 'A')
          assert.deepEqual(
            Buffer.concat(passed),
            Buffer.concat(kept.map((each) => message(...each))),
          )
        }),
      )
    })
  }
})
