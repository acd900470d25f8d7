import { Client } from '#client/client.ts'
import auth from '../auth.json' with { type: 'json' }

/** Whether callers bring a token, or name themselves. */
export const needsToken = auth.mode === 'jwt'

/** As the client's token: a token is asked for before each try. */
export type TokenSource = (refused?: string) => Promise<string>

let source: TokenSource = () => Promise.reject(new Error('Nobody has signed in'))

/** Whoever signs in brings the tokens. */
export function useTokens(tokens: TokenSource): void {
  source = tokens
}

/** A call is tried once: who has typed decides about another try. */
export const api = new Client({
  gateway: location.origin,
  totalTimeoutMs: 0,
  token: needsToken ? (refused) => source(refused) : undefined,
})
