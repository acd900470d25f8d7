import * as oauth from 'oauth4webapi'
import auth from '../auth.json' with { type: 'json' }
import { SignInError } from '../lib/sign-in-error.ts'
import { setUpWrong, wordsOf } from './words.ts'

export type Tokens = oauth.TokenEndpointResponse

/** What has to come back unchanged, and what proves that this page has asked. */
export interface Pending {
  state: string
  nonce: string
  verifier: string
}

const client: oauth.Client = { client_id: auth.client_id }
const noSecret = oauth.None()
const page = `${location.origin}/`
/** RFC 8707: for which API a token is, where the provider wants to know. */
const resource = auth.resource === '' ? {} : { resource: auth.resource }
const isLocal = /^http:\/\/(?:localhost|127\.0\.0\.1|\[::1\])[:/]/.test(`${auth.issuer}/`)

const options = () => ({
  signal: AbortSignal.timeout(5_000),
  additionalParameters: resource,
  [oauth.allowInsecureRequests]: isLocal,
})

/** Where to sign in. `isSilent`: the provider asks nothing, and comes back at once. */
export async function signInUrl(pending: Pending, isSilent: boolean): Promise<URL> {
  const { authorization_endpoint: endpoint } = await described()
  if (!endpoint) throw setUpWrong('The sign-in service has no authorization endpoint.')
  return withParameters(endpoint, {
    ...{ response_type: 'code', client_id: client.client_id, redirect_uri: page },
    ...{ scope: auth.scope, state: pending.state, nonce: pending.nonce },
    code_challenge: await oauth.calculatePKCECodeChallenge(pending.verifier),
    code_challenge_method: 'S256',
    ...resource,
    ...(isSilent && { prompt: 'none' }),
  })
}

export const newPending = (): Pending => ({
  state: oauth.generateRandomState(),
  nonce: oauth.generateRandomNonce(),
  verifier: oauth.generateRandomCodeVerifier(),
})

/** The tokens for what the provider has sent the browser back with, and the user of them. */
export const redeem = (answer: URLSearchParams, { state, nonce, verifier }: Pending) =>
  inWords(async () => {
    const server = await described()
    const code = oauth.validateAuthResponse(server, client, answer, state)
    const response = await oauth.authorizationCodeGrantRequest(
      server,
      client,
      noSecret,
      code,
      page,
      verifier,
      options(),
    )
    const expected = { expectedNonce: nonce, requireIdToken: true }
    const tokens = await oauth.processAuthorizationCodeResponse(server, client, response, expected)
    return { tokens, userId: oauth.getValidatedIdTokenClaims(tokens)?.sub ?? '' }
  })

/** New tokens for the refresh token. */
export const renew = (refreshToken: string): Promise<Tokens> =>
  inWords(async () => {
    const server = await described()
    const response = await oauth.refreshTokenGrantRequest(
      server,
      client,
      noSecret,
      refreshToken,
      options(),
    )
    return oauth.processRefreshTokenResponse(server, client, response)
  })

/** Where to sign out; undefined where the provider has no such place. */
export async function signOutUrl(idToken: string): Promise<URL | undefined> {
  const { end_session_endpoint: endpoint } = await described()
  if (!endpoint) return undefined
  const { client_id } = client
  const parameters = { id_token_hint: idToken, post_logout_redirect_uri: page, client_id }
  return withParameters(endpoint, parameters)
}

function withParameters(endpoint: string, parameters: Record<string, string>): URL {
  const url = new URL(endpoint)
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value)
  return url
}

let description: Promise<oauth.AuthorizationServer> | undefined

/** Read once, and again where that has failed. */
function described(): Promise<oauth.AuthorizationServer> {
  description ??= inWords(describe).catch((error) => {
    description = undefined
    throw error
  })
  return description
}

async function describe(): Promise<oauth.AuthorizationServer> {
  if (auth.client_id === '')
    throw setUpWrong('Signing in is not set up: there is no OIDC_CLIENT_ID.')
  if (!isSecureContext) {
    throw setUpWrong('Signing in needs https, or the name localhost in the address of this page.')
  }
  const issuer = new URL(auth.issuer)
  const server = await oauth.processDiscoveryResponse(
    issuer,
    await oauth.discoveryRequest(issuer, options()),
  )
  const called = server.token_endpoint ?? auth.issuer
  if (new URL(called).origin === issuer.origin) return server
  throw setUpWrong(`The page may call ${issuer.origin} only, and tokens are at ${called}.`)
}

async function inWords<T>(act: () => Promise<T>): Promise<T> {
  try {
    return await act()
  } catch (error) {
    throw error instanceof SignInError ? error : wordsOf(error)
  }
}
