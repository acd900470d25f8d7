import type { Middleware } from 'koa'
import type { InteractionResults, Provider } from 'oidc-provider'
import { pageOf } from './page.ts'
import { users } from './users.ts'

/** Whoever is asked to sign in chooses a user, or cancels. */
export function answerInteractions(provider: Provider): Middleware {
  return async (ctx, next) => {
    const [, uid, answer] = /^\/interaction\/([\w-]+)(?:\/([a-z]+))?$/.exec(ctx.path) ?? []
    if (uid === undefined) return next()
    if (ctx.method === 'GET' && answer === undefined) {
      await provider.interactionDetails(ctx.req, ctx.res)
      ctx.body = signInPage(uid)
    } else if (ctx.method === 'POST' && answer !== undefined) {
      const result = resultOf(answer)
      ctx.redirect(await provider.interactionResult(ctx.req, ctx.res, result))
      ctx.status = 303
    }
  }
}

const resultOf = (answer: string): InteractionResults =>
  Object.hasOwn(users, answer)
    ? { login: { accountId: answer, remember: false } }
    : { error: 'access_denied', error_description: 'The user has cancelled' }

function signInPage(uid: string): string {
  const button = (answer: string, text: string, kind = '') =>
    `<button formaction="/interaction/${uid}/${answer}" class="${kind}">${text}</button>`
  const all = Object.entries(users).map(([name, scopes]) =>
    button(name, `Continue as ${name} <small>${scopes.join(', ')}</small>`),
  )
  return pageOf(
    'Sign in',
    `<p>A provider for a look: it asks for no password.</p>
     <form method="post">${all.join('')}${button('cancel', 'Cancel', 'quiet')}</form>`,
  )
}
