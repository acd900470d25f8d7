import { type AuthMode, text, type Variable } from '#chassis/config.ts'

/** What gateway/frontend.conf.template tells the page of signing in. */
export type SignInVariables = Record<
  'AUTH_MODE' | 'JWT_ISSUER' | 'OIDC_CLIENT_ID' | 'OIDC_SCOPE' | 'OIDC_RESOURCE' | 'OIDC_ORIGIN',
  string
>

type SignInConfig = { oidcClientId: string; oidcScope: string; oidcResource: string }

/** They become part of nginx's configuration. gateway/nginx.sh refuses the same ones. */
const plain = /^[\w.~:/?#@!&()*+,=% -]+$/

/** The variables of a page that signs in; without a client id it has no way to. */
export const signInVariables = (
  env: NodeJS.ProcessEnv,
): { [K in keyof SignInConfig]: Variable<SignInConfig[K]> } => ({
  oidcClientId: withIssuer(plainText('OIDC_CLIENT_ID', ''), env),
  oidcScope: plainText('OIDC_SCOPE', 'openid orders payments'),
  oidcResource: plainText('OIDC_RESOURCE', ''),
})

/** The values of the template. The page may call the issuer's origin, and no other. */
export function signInOf(
  config: SignInConfig & { authMode: AuthMode; jwtIssuer: string },
): SignInVariables {
  const { authMode, jwtIssuer, oidcClientId, oidcScope, oidcResource } = config
  const hasSignIn = authMode === 'jwt' && oidcClientId !== ''
  return {
    AUTH_MODE: authMode,
    JWT_ISSUER: hasSignIn ? jwtIssuer : '',
    OIDC_CLIENT_ID: hasSignIn ? oidcClientId : '',
    OIDC_SCOPE: oidcScope,
    OIDC_RESOURCE: oidcResource,
    OIDC_ORIGIN: hasSignIn ? new URL(jwtIssuer).origin : '',
  }
}

function plainText(name: string, fallback: string): Variable<string> {
  const parse = (value: string) => {
    if (plain.test(value)) return value
    throw new Error(`has a character that it cannot have: ${JSON.stringify(value)}`)
  }
  return { ...text(name, fallback), parse }
}

/** Reads the provider's own description from there. */
function withIssuer(variable: Variable<string>, { AUTH_MODE, JWT_ISSUER = '' }: NodeJS.ProcessEnv) {
  const parse = (value: string) => {
    const isUrl = /^https?:\/\//.test(JWT_ISSUER) && plain.test(JWT_ISSUER)
    if (AUTH_MODE !== 'jwt' || (isUrl && URL.canParse(JWT_ISSUER))) return variable.parse(value)
    throw new Error('needs a JWT_ISSUER that is a URL, where the page signs in')
  }
  return { ...variable, parse }
}
