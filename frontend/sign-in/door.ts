import { useTokens } from '../lib/api.ts'
import { find } from '../lib/elements.ts'
import { clearMessage, showFailure, showPlain } from '../lib/form-messages.ts'
import { onSubmit } from '../lib/forms.ts'
import { SignInError } from '../lib/sign-in-error.ts'
import type { AccountListener } from '../shop/account-form.ts'
import { openAccount } from '../shop/open-account.ts'
import { onForgotten, rememberedUser, rememberUser } from '../shop/session.ts'
import { keepPending, takeAnswer, takePending } from './pending.ts'
import { newPending, redeem, renew, signInUrl, signOutUrl } from './provider.ts'
import { Session } from './session.ts'
import { sessionOver } from './words.ts'

const form = find('sign-in-form', HTMLFormElement)
let session: Session | undefined

/**
 * Signs in whoever comes back from the provider, and, without a question, whoever was signed in on
 * this browser. Says whether somebody is on the way in.
 */
export function startSignIn({ onOpened, onClosed }: AccountListener): boolean {
  let answer = takeAnswer()
  let isSilent = answer === undefined && rememberedUser() !== ''
  const close = (why: string) => {
    session?.end()
    session = undefined
    onClosed()
    showFailure(form, why)
  }
  onSubmit(form, async () => {
    showPlain(form, 'Signing in …')
    const returned = answer
    const silent = isSilent
    answer = undefined
    isSilent = false
    if (returned) session = await sessionOf(returned, () => close(sessionOver))
    if (!session) return leaveForProvider(silent)
    const account = await openAccount(session.userId)
    rememberUser(session.userId)
    clearMessage(form)
    onOpened(account)
  })
  find('switch', HTMLButtonElement).addEventListener('click', () => {
    onClosed()
    void signOut()
  })
  onForgotten(() => {
    if (session) close('You have signed out in another tab.')
  })
  const isOnTheWay = answer !== undefined || isSilent
  if (isOnTheWay) form.requestSubmit()
  return isOnTheWay
}

/** Here, and at the provider; here in any case. */
async function signOut(): Promise<void> {
  const idToken = session?.idToken ?? ''
  session?.end()
  session = undefined
  rememberUser('')
  const url = await signOutUrl(idToken).catch(() => undefined)
  if (url) return location.assign(url)
  showFailure(
    form,
    'You are signed out here. The sign-in service could not be told: your session there may go on.',
  )
}

async function sessionOf(answer: URLSearchParams, onOver: () => void): Promise<Session> {
  const pending = takePending()
  if (pending === undefined || pending.state !== answer.get('state')) {
    throw new SignInError(
      'This is not the answer to a sign-in that began in this tab. Sign in again.',
    )
  }
  const { tokens, userId } = await redeem(answer, pending)
  const opened = new Session(userId, tokens, { renew, onOver })
  useTokens(opened.token)
  return opened
}

async function leaveForProvider(isSilent: boolean): Promise<void> {
  const pending = newPending()
  const url = await signInUrl(pending, isSilent)
  keepPending(pending)
  location.assign(url)
}
