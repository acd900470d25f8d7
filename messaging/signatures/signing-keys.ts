import { createSecretKey, type KeyObject } from 'node:crypto'

/** A secret that both services know, and the name that a signature calls it by. */
export interface SigningKey {
  id: string
  key: KeyObject
}

/** As long as a SHA-256: a shorter one is weaker than the signature. */
const minBytes = 32

const keyPattern = /^(?<id>[A-Za-z0-9._-]{1,32}):(?<secret>[A-Za-z0-9+/_-]+={0,2})$/

/**
 * Reads `ID:SECRET`, several with commas or on lines of their own: the first one signs, all verify.
 * The message of an error continues the name of a variable, and repeats no secret.
 */
export function parseSigningKeys(text: string): SigningKey[] {
  const keys = text
    .split(/[\s,]+/)
    .filter((part) => part !== '')
    .map(parseKey)
  for (const [index, { id }] of keys.entries()) {
    if (keys.findIndex((key) => key.id === id) < index) throw new Error(`has the id ${id} twice`)
  }
  return keys
}

function parseKey(text: string, index: number): SigningKey {
  const { id = '', secret = '' } = keyPattern.exec(text)?.groups ?? {}
  const bytes = Buffer.from(secret, 'base64')
  if (bytes.length < minBytes) {
    throw new Error(
      `must be ID:SECRET, several with commas: ID of letters, digits, dots, dashes, 32 at most; SECRET ${minBytes} bytes or more in base64, as "openssl rand -base64 32" prints them. Key ${index + 1} is not`,
    )
  }
  return { id, key: createSecretKey(bytes) }
}
