/**
 * A bearer token, or what gets one: it is asked before each try of a call, and before each
 * connection, so it should keep a token until shortly before its end. `refused`: the token that a
 * server has just refused, or closed a connection for: another one is wanted, whatever the clock
 * says.
 */
export type Token = string | ((refused?: string) => string | Promise<string>)

export const tokenFrom = async (
  token: Token | undefined,
  refused?: string,
): Promise<string | undefined> => (typeof token === 'function' ? token(refused) : token)
