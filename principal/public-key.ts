import { createPublicKey, type JsonWebKeyInput, type KeyObject } from 'node:crypto'

/** A key and the algorithms that it verifies. */
export interface PublicKey {
  key: KeyObject
  algorithms: readonly string[]
}

const rsaPss = ['PS256', 'PS384', 'PS512']
const rsa = ['RS256', 'RS384', 'RS512', ...rsaPss]
const edwards = ['EdDSA', 'Ed25519']
const ofCurve: Record<string, string[]> = {
  prime256v1: ['ES256'],
  secp384r1: ['ES384'],
  secp521r1: ['ES512'],
}

/** Signed with a private key, verified with a public one: no secret is shared. */
export const asymmetricAlgorithms: readonly string[] = [
  ...rsa,
  ...Object.values(ofCurve).flat(),
  ...edwards,
]

/**
 * The public key in a PEM (SPKI; a line end may be written as `\n`) or a JWK. Throws an Error whose
 * message continues the name of the variable. The message does not repeat the key.
 */
export function parsePublicKey(text: string): PublicKey {
  if (/PRIVATE KEY|"(?:d|k)"\s*:/.test(text)) {
    throw new Error('must be a public key: this one is secret, and belongs to the issuer only')
  }
  const key = read(text)
  const algorithms = algorithmsOf(key)
  if (algorithms.length > 0) return { key, algorithms }
  throw new Error('must be an RSA key of 2048 bits or more, an EC key (P-256 to P-521) or Ed25519')
}

function read(text: string): KeyObject {
  try {
    if (!text.startsWith('{')) return createPublicKey(text.replaceAll('\\n', '\n'))
    return createPublicKey({ key: JSON.parse(text), format: 'jwk' } satisfies JsonWebKeyInput)
  } catch {
    throw new Error('must be a public key as PEM (BEGIN PUBLIC KEY) or JWK')
  }
}

function algorithmsOf({ asymmetricKeyType, asymmetricKeyDetails = {} }: KeyObject): string[] {
  const { modulusLength = 0, namedCurve = '' } = asymmetricKeyDetails
  switch (asymmetricKeyType) {
    case 'rsa':
      return modulusLength >= 2_048 ? rsa : []
    case 'rsa-pss':
      return modulusLength >= 2_048 ? rsaPss : []
    case 'ec':
      return ofCurve[namedCurve] ?? []
    case 'ed25519':
      return edwards
    default:
      return []
  }
}
