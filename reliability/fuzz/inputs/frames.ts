import fc from 'fast-check'
import { Subscribe, Unsubscribe } from '#contracts/orders-ws.ts'
import { bytes, jsonFor, oddJson, type Schema } from './json.ts'
import { mutated, mutations } from './mutations.ts'

/** What a client sends on a WebSocket: the query of its address, and the bytes of its frames. */
export interface SocketCase {
  to: 'gateway' | 'orders-api'
  query: string
  /** A text of latin1. */
  frames: string
  /** How many messages it can be at most. */
  messages: number
}

/** One frame of RFC 6455, right or wrong. */
interface Frame {
  isFinal: boolean
  reserved: number
  opcode: number
  isMasked: boolean
  payload: string
  /** How its length is written, and by how much it is another one. */
  lengthBytes: 0 | 2 | 8
  extraLength: number
}

export const opcodes = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 }

export function frameBytes(frame: Frame): string {
  const { isFinal, reserved, opcode, isMasked, payload, lengthBytes, extraLength } = frame
  const length = payload.length + extraLength
  const head = Buffer.alloc(2 + 8)
  head[0] = (isFinal ? 0x80 : 0) | (reserved << 4) | opcode
  const size = lengthBytes || (length > 65_535 ? 8 : length > 125 ? 2 : 0)
  head[1] = (isMasked ? 0x80 : 0) | { 0: length, 2: 126, 8: 127 }[size]
  if (size === 2) head.writeUInt16BE(length & 0xffff, 2)
  if (size === 8) head.writeBigUInt64BE(BigInt(length), 2)
  const mask = isMasked ? readableMask : ''
  return head.toString('latin1', 0, 2 + size) + mask + payload
}

/** A mask that changes nothing: what is sent can be read, and stand-ins be replaced. */
const readableMask = '\0\0\0\0'

const right = {
  isFinal: true,
  reserved: 0,
  isMasked: true,
  lengthBytes: 0,
  extraLength: 0,
} as const

/** A frame as a client must write it. */
export const rightFrame = (opcode: number, payload: string): string =>
  frameBytes({ ...right, opcode, payload })

const message = fc.oneof(
  { weight: 6, arbitrary: jsonFor(Subscribe as Schema) },
  { weight: 2, arbitrary: jsonFor(Unsubscribe as Schema) },
  { weight: 2, arbitrary: oddJson },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 200 }).map(bytes) },
  { weight: 1, arbitrary: fc.constantFrom(0, 4_096, 4_097, 70_000).map((size) => ' '.repeat(size)) }, // biome-ignore format: one line
)

const rightMessage = message.map((payload) => rightFrame(opcodes.text, payload))

/** A message in pieces, with a ping among them, its end perhaps missing. */
const fragments = fc
  .tuple(message, fc.integer({ min: 1, max: 40 }), fc.boolean(), fc.boolean())
  .map(([payload, size, withPing, hasEnd]) => {
    const step = Math.max(size, Math.ceil(payload.length / 50))
    const pieces = payload.match(new RegExp(`[^]{1,${step}}`, 'g')) ?? ['']
    const written = pieces.map((piece, index) => {
      const isFinal = hasEnd && index === pieces.length - 1
      const opcode = index === 0 ? opcodes.text : opcodes.continuation
      return frameBytes({ ...right, isFinal, opcode, payload: piece })
    })
    return written.join(withPing ? rightFrame(opcodes.ping, 'now') : '')
  })

const oddFrame = fc
  .record({
    isFinal: fc.boolean(),
    reserved: fc.constantFrom(0, 0, 0, 1, 2, 4, 7),
    opcode: fc.nat({ max: 15 }),
    isMasked: fc.constantFrom(true, true, true, false),
    payload: fc.oneof(
      message,
      fc.constantFrom('', '\x03', '\x03\xe8', '\x03\xed', '\x00\x00', '\x03\xe8\xff', '\x0b\xb8ok'),
      fc.constantFrom('\xff', '\xed\xa0\x80', 'x'.repeat(126)),
    ),
    lengthBytes: fc.constantFrom(0, 0, 0, 2, 8) as fc.Arbitrary<0 | 2 | 8>,
    extraLength: fc.constantFrom(0, 0, 0, 1, 100),
  })
  .map((frame) => frameBytes(frame.payload.length > 100 ? { ...frame, lengthBytes: 8 } : frame))

const query = fc.oneof(
  { weight: 3, arbitrary: fc.constant('') },
  {
    weight: 1,
    arbitrary: fc
      .array(
        fc.tuple(
          fc.constantFrom('order_id', 'user_id', 'type', '', 'order_id[]', '__proto__'),
          fc.oneof(
            fc.constantFrom('alice', 'bob', 'x', '', '%00', '%ff', '%ed%a0%80', 'x'.repeat(500)),
            fc.uuid(),
          ),
        ),
        { minLength: 1, maxLength: 5 },
      )
      .map((pairs) => `?${pairs.map((pair) => pair.join('=')).join('&')}`),
  },
)

/** Sequences of frames: most of them right, with messages right and wrong. */
export const socketCases: fc.Arbitrary<SocketCase> = fc
  .record({
    to: fc.constantFrom('gateway', 'orders-api'),
    query,
    parts: fc.array(
      fc.oneof(
        { weight: 6, arbitrary: rightMessage },
        { weight: 2, arbitrary: fragments },
        { weight: 1, arbitrary: oddFrame },
      ),
      { minLength: 1, maxLength: 6 },
    ),
    mutations,
  })
  .map(({ to, query, parts, mutations }) => ({
    to,
    query,
    frames: mutated(parts.join(''), mutations),
    messages: 2 * parts.length + query.split('&').length,
  }))
