import { ApiProblem } from '#client/client.ts'
import type { Account } from '#contracts/payments-http.ts'
import { api } from '../lib/api.ts'
import { find } from '../lib/elements.ts'
import { showFieldError } from '../lib/form-messages.ts'
import { onSubmit } from '../lib/forms.ts'
import { rememberedUser, rememberUser } from './session.ts'

const form = find('account-form', HTMLFormElement)
const input = find('user-id', HTMLInputElement)

/** Opens accounts by their names. */
export function startAccountForm(onOpened: (account: Account) => void): void {
  onSubmit(form, async (typed) => {
    const userId = typed.trim()
    if (userId === '') return showFieldError(form, 'Enter a name, such as alice.')
    const account = await createOrRead(userId)
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

async function createOrRead(userId: string): Promise<Account> {
  try {
    return await api.createAccount(userId)
  } catch (error) {
    const exists = error instanceof ApiProblem && error.problem.type === '/problems/conflict'
    if (!exists) throw error
    return api.getAccount(userId)
  }
}
