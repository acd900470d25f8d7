import { type Configuration, errors, type KoaContextWithOIDC, Provider } from 'oidc-provider'
import { pageOf } from './page.ts'
import type { Secrets } from './secrets.ts'
import { answerInteractions } from './sign-in.ts'
import { allScopes, users } from './users.ts'
import type { Config } from './variables.ts'

/** In seconds. The grant ends last: all that is renewed ends with it. */
const hour = 60 * 60
const day = 24 * hour

/** The provider, with the page as its only client. What it knows of sessions ends with its process. */
export function createProvider(config: Config, { key, cookieKey }: Secrets): Provider {
  const { audience, accessTokenSeconds } = config
  const provider = new Provider(config.issuer, {
    jwks: { keys: [key as { kty: string }] },
    cookies: { keys: [cookieKey] },
    clients: [clientOf(config)],
    scopes: ['openid'],
    ttl: { IdToken: hour, Interaction: day, RefreshToken: day, Session: day, Grant: day },
    findAccount: (_, id) =>
      Object.hasOwn(users, id) ? { accountId: id, claims: () => ({ sub: id }) } : undefined,
    interactions: { url: (_, { uid }) => `/interaction/${uid}` },
    loadExistingGrant: (ctx) => grantOf(ctx, config.resource),
    issueRefreshToken: (_, client) => client.grantTypeAllowed('refresh_token'),
    features: {
      devInteractions: { enabled: false },
      revocation: { enabled: true },
      rpInitiatedLogout: { enabled: true, logoutSource },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (_, resource) => {
          if (resource !== config.resource) throw new errors.InvalidTarget()
          return {
            ...{ audience, scope: allScopes.join(' '), accessTokenTTL: accessTokenSeconds },
            ...{ accessTokenFormat: 'jwt', jwt: { sign: { alg: 'ES256' } } },
          }
        },
      },
    },
  } satisfies Configuration)
  provider.use(answerInteractions(provider))
  return provider
}

/** A page that has no secret: it proves with PKCE that it is who began to sign in. */
function clientOf({ clientId, gatewayPort }: Config) {
  const pages = ['localhost', '127.0.0.1'].map((host) => `http://${host}:${gatewayPort}/`)
  return {
    client_id: clientId,
    token_endpoint_auth_method: 'none' as const,
    grant_types: ['authorization_code', 'refresh_token'],
    id_token_signed_response_alg: 'ES256' as const,
    redirect_uris: pages,
    post_logout_redirect_uris: pages,
  }
}

/** Nobody is asked: each sign-in is granted what its user may do, of what it asks for. */
async function grantOf(ctx: KoaContextWithOIDC, resource: string) {
  const { client, session, provider } = ctx.oidc
  const accountId = session?.accountId
  if (!client || !accountId) return undefined
  const allowed = users[accountId] ?? []
  const grant = new provider.Grant({ clientId: client.clientId, accountId })
  grant.addOIDCScope('openid')
  grant.addResourceScope(resource, allowed.join(' '))
  const others = allScopes.filter((scope) => !allowed.includes(scope))
  grant.rejectResourceScope(resource, others.join(' '))
  await grant.save()
  return grant
}

function logoutSource(ctx: KoaContextWithOIDC, form: string): void {
  ctx.body = pageOf(
    'Sign out?',
    `${form}<button form="op.logoutForm" name="logout" value="yes" autofocus>Sign out</button>
     <button form="op.logoutForm" class="quiet">Stay signed in</button>`,
  )
}
