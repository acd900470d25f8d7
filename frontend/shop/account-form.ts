import type { Account } from '#contracts/payments-http.ts'
import { find } from '../lib/elements.ts'
import { showFieldError } from '../lib/form-messages.ts'
import { onSubmit } from '../lib/forms.ts'
import { openAccount } from './open-account.ts'
import { rememberedUser, rememberUser } from './session.ts'

const form = find('account-form', HTMLFormElement)
const input = find('user-id', HTMLInputElement)

/** Opens accounts by their names. */
export function startAccountForm(onOpened: (account: Account) => void): void {
  onSubmit(form, async (typed) => {
    const userId = typed.trim()
    if (userId === '') return showFieldError(form, 'Enter a name, such as alice.')
    const account = await openAccount(userId)
    rememberUser(account.user_id)
    const isTyping = form.contains(document.activeElement)
    onOpened(account)
    if (isTyping) find('topup-amount', HTMLElement).focus()
  })
}

/** Opens the account of who was here last. Says whether there was anybody. */
export function reopenAccount(): boolean {
  input.value = rememberedUser()
  if (input.value === '') return false
  form.requestSubmit()
  return true
}

/** Forgets the account, and asks for the next. */
export function askForAccount(): void {
  rememberUser('')
  input.select()
}
