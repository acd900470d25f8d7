import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, type JWK, type JWTPayload, SignJWT } from 'jose'

export const issuer = 'https://issuer.example'
export const audience = 'orders-payments'

export interface SigningKey {
  kid: string
  alg: string
  publicKey: KeyObject
  privateKey: KeyObject
}

export const newKey = (kid: string): SigningKey => ({
  ...generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  kid,
  alg: 'ES256',
})

/** Seconds since 1970, some seconds from now. */
export const inSeconds = (seconds: number) => Math.floor(Date.now() / 1_000) + seconds

/** A token of a user, for an hour, with other claims as given; undefined ones are left out. */
export const tokenOf = (
  { kid, alg, privateKey }: SigningKey,
  sub: string | undefined,
  claims: { [Name in keyof JWTPayload]?: JWTPayload[Name] | undefined } = {},
): Promise<string> => {
  const payload = { iss: issuer, aud: audience, exp: inSeconds(3_600), sub, ...claims }
  return new SignJWT(JSON.parse(JSON.stringify(payload)))
    .setProtectedHeader({ alg, ...(kid && { kid }) })
    .sign(privateKey)
}

/** Serves public keys as an issuer does. */
export class KeyServer {
  #keys: JWK[] = []
  #server: Server | undefined
  #port = 0
  /** How often the keys were read. */
  reads = 0

  get url(): string {
    return `http://127.0.0.1:${this.#port}/jwks.json`
  }

  async publish(...keys: SigningKey[]): Promise<void> {
    this.#keys = await Promise.all(
      keys.map(async ({ kid, alg, publicKey }) => ({
        ...(await exportJWK(publicKey)),
        ...(kid && { kid }),
        alg,
        use: 'sig',
      })),
    )
  }

  /** On the port of before, if there was one. */
  async start(): Promise<this> {
    const server = createServer((_request, response) => {
      this.reads++
      response.setHeader('Connection', 'close')
      response.end(JSON.stringify({ keys: this.#keys }))
    })
    server.listen(this.#port, '127.0.0.1')
    await once(server, 'listening')
    this.#port = (server.address() as AddressInfo).port
    this.#server = server
    return this
  }

  readonly close = async (): Promise<void> => {
    if (!this.#server?.listening) return
    this.#server.close()
    await once(this.#server, 'close')
  }
}
