import { type AuthMode, authMode, httpUrl, isGiven, text, type Variable } from '#chassis/config.ts'
import { type PublicKey, parsePublicKey } from './public-key.ts'

/** How callers are told apart. */
export type AuthConfig = {
  authMode: AuthMode
  /** Empty where there is a public key, or AUTH_MODE=off. */
  jwksUrl: string
  publicKey: PublicKey | false
  jwtIssuer: string
  jwtAudience: string
}

type Variables = { [K in keyof AuthConfig]: Variable<AuthConfig[K]> }

/** The variables of a process that verifies tokens; AUTH_MODE=off needs only itself. */
export function authVariables(env: NodeJS.ProcessEnv): Variables {
  const isNeeded = env[authMode.name]?.trim() === 'jwt'
  const hasUrl = Boolean(env[jwksUrl.name]?.trim())
  const hasKey = isGiven(env, publicKey.name)
  const ifNeeded = <T>(variable: Variable<T>, fallback: T) =>
    isNeeded ? variable : { ...variable, fallback, parse: () => fallback }
  return {
    authMode,
    jwksUrl: ifNeeded(hasKey ? notWith(jwksUrl, publicKey.name, hasUrl) : oneOfBoth(hasUrl), ''),
    publicKey: ifNeeded({ ...publicKey, fallback: false }, false),
    jwtIssuer: ifNeeded(text('JWT_ISSUER'), ''),
    jwtAudience: ifNeeded(text('JWT_AUDIENCE'), ''),
  }
}

const jwksUrl = httpUrl('JWT_JWKS_URL')
const publicKey: Variable<PublicKey | false> = {
  name: 'JWT_PUBLIC_KEY',
  isSecret: true, // it is none, but a PEM is a file at home
  parse: parsePublicKey,
}

const oneOfBoth = (hasUrl: boolean): Variable<string> =>
  hasUrl ? jwksUrl : { ...jwksUrl, name: `${jwksUrl.name} or ${publicKey.name}` }

function notWith(variable: Variable<string>, other: string, isSet: boolean): Variable<string> {
  if (!isSet) return { ...variable, fallback: '' }
  const parse = () => {
    throw new Error(`and ${other} are both set: only one of them counts`)
  }
  return { ...variable, parse }
}
