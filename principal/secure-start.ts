/** What the start of a process is judged by; other fields may have passwords in their URLs. */
type StartConfig = Record<string, unknown> & { authMode?: unknown }

/** What a process starts with only if INSECURE_ACCEPTED says that it is meant. */
const allInsecurities = [
  'auth-off',
  'default-passwords',
  'open-gateway',
  'open-operator-page',
  'unverified-tls',
] as const
type Insecurity = (typeof allInsecurities)[number]

/** The passwords of docker-compose.yml, for development, and those that servers come with. */
const isDefaultPassword = (password: string) =>
  password === 'guest' || password.endsWith('-for-development')

/**
 * Throws an Error with a line for each way in which a start would be insecure by accident, and how
 * to mean it: in production (NODE_ENV), without authentication or with a default password;
 * anywhere, a gateway or an operator's page that other machines reach, without authentication, or
 * TLS by which anybody can be a server.
 */
export function assertSecureStart(config: StartConfig, env: NodeJS.ProcessEnv): void {
  const { accepted, unknown } = acceptedIn(env.INSECURE_ACCEPTED)
  const faults = insecuritiesOf(config, env)
    .filter(([kind]) => !accepted.includes(kind))
    .map(([kind, what]) => `${what}, or INSECURE_ACCEPTED=${kind} if this is meant`)
  const all = [...faults, ...unknown.map(refusedName)]
  if (all.length > 0) throw new Error(`Cannot start:\n  ${all.join('\n  ')}`)
}

/** What the log of each start says. */
export const insecureWarnings = ({ authMode }: StartConfig): string[] =>
  authMode === 'off'
    ? ['AUTH_MODE=off: callers name themselves, so allow access only through a trusted gateway']
    : []

function insecuritiesOf(config: StartConfig, env: NodeJS.ProcessEnv): [Insecurity, string][] {
  const isProduction = env.NODE_ENV === 'production'
  const isOff = config.authMode === 'off'
  const gatewayHost = env.GATEWAY_HOST?.trim() || '127.0.0.1'
  const found: [Insecurity, string, boolean][] = [
    [
      'auth-off',
      'AUTH_MODE=off lets every caller be any user, in production (NODE_ENV): set AUTH_MODE=jwt',
      isOff && isProduction,
    ],
    [
      'default-passwords',
      'A URL of a server has a default password, in production (NODE_ENV): set one of your own',
      isProduction && Object.values(config).some(hasDefaultPassword),
    ],
    [
      'open-gateway',
      `GATEWAY_HOST=${gatewayHost} lets other machines in while AUTH_MODE=off lets every caller be any user: set AUTH_MODE=jwt`,
      isOff && !isLoopback(gatewayHost),
    ],
    [
      'open-operator-page',
      `HOST=${config.host} lets other machines in while AUTH_MODE=off lets everybody be an operator: set AUTH_MODE=jwt`,
      isOff && config.operatorPage !== undefined && !isLoopback(String(config.host ?? 'localhost')),
    ],
    [
      'unverified-tls',
      'NODE_TLS_REJECT_UNAUTHORIZED=0 or PGSSLMODE=no-verify lets anybody be a server: unset it',
      env.NODE_TLS_REJECT_UNAUTHORIZED === '0' || env.PGSSLMODE === 'no-verify',
    ],
  ]
  return found.flatMap(([kind, what, isSo]) => (isSo ? [[kind, what] as const] : []))
}

function acceptedIn(list = '') {
  const names = list.split(',').map((name) => name.trim())
  const accepted = allInsecurities.filter((kind) => names.includes(kind))
  const unknown = names.filter((name) => name !== '' && !accepted.some((kind) => kind === name))
  return { accepted, unknown }
}

const refusedName = (name: string) =>
  `INSECURE_ACCEPTED takes ${allInsecurities.join(', ')}, got ${JSON.stringify(name)}`

export const isLoopback = (host: string): boolean =>
  /^(?:localhost|127(?:\.\d{1,3}){3}|\[?::1\]?)$/.test(host)

/** Of each URL, where there are several. */
const hasDefaultPassword = (value: unknown): boolean =>
  [...String(value).matchAll(/\/\/[^/:@]*:([^/@]*)@/g)].some(([, password = '']) =>
    isDefaultPassword(decodeURIComponent(password)),
  )
