import { httpUrl, integer, text } from '#chassis/config.ts'

/** The variables of the provider; those of tokens are the same that the APIs and the page take. */
export const variables = {
  host: text('HOST', '127.0.0.1'),
  port: integer('PORT', { min: 1, max: 65_535 }),
  /** Where browsers reach the provider. */
  issuer: httpUrl('JWT_ISSUER'),
  audience: text('JWT_AUDIENCE'),
  clientId: text('OIDC_CLIENT_ID'),
  resource: text('OIDC_RESOURCE'),
  gatewayPort: integer('GATEWAY_PORT', { min: 1, max: 65_535 }),
  accessTokenSeconds: integer('DEMO_ACCESS_TOKEN_SECONDS', { min: 1, fallback: 300 }),
  /** Where its keys are kept. */
  dir: text('DEMO_PROVIDER_DIR'),
}

export type Config = {
  [Name in keyof typeof variables]: ReturnType<(typeof variables)[Name]['parse']>
}
