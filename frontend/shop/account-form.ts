import type { Account } from '#contracts/payments-http.ts'
import { find } from '../lib/elements.ts'
import { showFieldError } from '../lib/form-messages.ts'
import { onSubmit } from '../lib/forms.ts'
import { openAccount } from './open-account.ts'
import { rememberedUser, rememberUser } from './session.ts'

const form = find('account-form', HTMLFormElement)
const input = find('user-id', HTMLInputElement)

export interface AccountListener {
  onOpened: (account: Account) => void
  /** The account is left. */
  onClosed: () => void
}

/**
 * Opens accounts by their names, first the one of who was here last. Says whether there was
 * anybody.
 */
export function startAccountForm({ onOpened, onClosed }: AccountListener): boolean {
  onSubmit(form, async (typed) => {
    const userId = typed.trim()
    if (userId === '') return showFieldError(form, 'Enter a name, such as alice.')
    const account = await openAccount(userId)
    rememberUser(account.user_id)
    const isTyping = form.contains(document.activeElement)
    onOpened(account)
    if (isTyping) find('topup-amount', HTMLElement).focus()
  })
  find('switch', HTMLButtonElement).addEventListener('click', () => {
    onClosed()
    rememberUser('')
    input.select()
  })
  input.value = rememberedUser()
  if (input.value === '') return false
  form.requestSubmit()
  return true
}
