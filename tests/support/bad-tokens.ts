import { createSecretKey } from 'node:crypto'
import { type JWTPayload, SignJWT } from 'jose'
import { inSeconds, newKey, type SigningKey, tokenOf } from './issuer.ts'

/** Tokens of a user that nobody may accept, by what is wrong with them. */
export const badTokens = (key: SigningKey, user: string): Record<string, () => Promise<string>> => {
  const payload = async () => (await tokenOf(key, user)).split('.')[1] ?? ''
  return {
    expired: () => tokenOf(key, user, { exp: inSeconds(-60) }),
    'without an end': () => tokenOf(key, user, { exp: undefined }),
    'not yet valid': () => tokenOf(key, user, { nbf: inSeconds(60) }),
    'for another audience': () => tokenOf(key, user, { aud: 'elsewhere' }),
    'without an audience': () => tokenOf(key, user, { aud: undefined }),
    'of another issuer': () => tokenOf(key, user, { iss: 'https://elsewhere.example' }),
    'without a user': () => tokenOf(key, undefined),
    'of a user who cannot be one': () => tokenOf(key, `../${user}`),
    'of another key': () => tokenOf({ ...newKey('other'), kid: key.kid }, user),
    unsigned: async () =>
      `${Buffer.from('{"alg":"none"}').toString('base64url')}.${await payload()}.`,
    'signed with the public key as a secret': async () => {
      const claims = JSON.parse(Buffer.from(await payload(), 'base64url').toString()) as JWTPayload
      const pem = String(key.publicKey.export({ type: 'spki', format: 'pem' }))
      const header = { alg: 'HS256', kid: key.kid }
      return new SignJWT(claims).setProtectedHeader(header).sign(createSecretKey(pem, 'utf8'))
    },
    'no token at all': async () => user,
  }
}
