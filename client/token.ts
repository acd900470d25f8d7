/**
 * A bearer token, or what gets one: it is asked before each try of a call, and before each
 * connection, so it should keep a token until shortly before its end.
 */
export type Token = string | (() => string | Promise<string>)

export const tokenFrom = async (token: Token | undefined): Promise<string | undefined> =>
  typeof token === 'function' ? token() : token
