import { api } from '../lib/api.ts'
import { find } from '../lib/elements.ts'
import { clearMessage, showFieldError, showSuccess } from '../lib/form-messages.ts'
import { onSubmit } from '../lib/forms.ts'
import { SubmissionKey } from '../lib/idempotency-key.ts'
import { formatAmount, parseAmount } from '../lib/money.ts'

/** The form that tops up the balance. */
export class TopUpForm {
  readonly #form = find('topup-form', HTMLFormElement)
  readonly #submission = new SubmissionKey()

  constructor(userId: () => string, onDone: () => void) {
    onSubmit(this.#form, async (typed) => {
      const amount = parseAmount(typed)
      if (amount === undefined) return showFieldError(this.#form, 'Enter an amount such as 12.50.')

      const idempotencyKey = this.#submission.keyFor(`${userId()} ${amount}`)
      const account = await api.topUp(userId(), amount, { idempotencyKey })
      this.#submission.succeeded()
      if (account.user_id !== userId()) return
      showSuccess(this.#form, `Added ${formatAmount(amount)}.`)
      onDone()
    })
  }

  clear = (): void => clearMessage(this.#form)
}
