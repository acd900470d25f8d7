import { createHmac, type KeyObject, timingSafeEqual } from 'node:crypto'
import { eventContentType } from '../broker/shared-message.ts'
import { type Headers, signatureHeader } from './header.ts'
import type { SigningKey } from './signing-keys.ts'

/** Signs the bytes of an event, for the exchange that it is published to. */
export type Sign = (content: Uint8Array, exchange: string) => Headers

/** Why a message is not believed. */
export interface Disbelief {
  kind: 'invalid'
  reason: 'not-signed' | 'wrong-signature'
  error: string
}

/** Undefined for a message that is believed. */
export type Verify = (message: { content: Uint8Array; headers: Headers }) => Disbelief | undefined

/** Signs with the first key. */
export function signerWith([first]: readonly SigningKey[]): Sign {
  if (!first) throw new Error('Events cannot be signed without a key')
  const { id, key } = first
  return (content, exchange) => ({
    [signatureHeader]: `${id}:${macOf(key, content, exchange).toString('base64url')}`,
  })
}

/**
 * Verifies with the key that a signature names. Which algorithm and which exchange count is decided
 * here, never by the message: it may come from its queue again, by the default exchange.
 */
export function verifierWith(
  keys: readonly SigningKey[],
  { exchange, onUnsigned }: { exchange: string; onUnsigned: () => Disbelief | undefined },
): Verify {
  if (keys.length === 0) throw new Error('Signatures of events cannot be verified without a key')
  return ({ content, headers }) => {
    const { [signatureHeader]: signature } = headers
    if (signature === undefined) return onUnsigned()
    if (typeof signature !== 'string') return wrong('the signature is no text')
    const [id, mac, ...more] = signature.split(':')
    const { key } = keys.find((one) => one.id === id) ?? {}
    if (!key) return wrong(`the key ${JSON.stringify(id?.slice(0, 32))} is not known here`)
    const isRight = more.length === 0 && isEqual(mac, macOf(key, content, exchange))
    return isRight ? undefined : wrong(`the signature by the key ${id} is not of this message`)
  }
}

export const notSigned: Disbelief = {
  kind: 'invalid',
  reason: 'not-signed',
  error: 'the message has no signature',
}

const wrong = (error: string): Disbelief => ({ kind: 'invalid', reason: 'wrong-signature', error })

/** Of the bytes, what they are, and whom they are for: no other message of this key has it. */
const macOf = (key: KeyObject, content: Uint8Array, exchange: string): Buffer =>
  createHmac('sha256', key)
    .update(`${JSON.stringify([eventContentType, exchange])}\n`)
    .update(content)
    .digest()

function isEqual(mac = '', right: Buffer): boolean {
  const given = Buffer.from(mac, 'base64url')
  return given.length === right.length && timingSafeEqual(given, right)
}
