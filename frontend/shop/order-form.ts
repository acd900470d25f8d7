import type { Order } from '#contracts/orders-http.ts'
import { api } from '../lib/api.ts'
import { find } from '../lib/elements.ts'
import { clearMessage, showFailure, showFieldError, showSuccess } from '../lib/form-messages.ts'
import { onSubmit } from '../lib/forms.ts'
import { SubmissionKey } from '../lib/idempotency-key.ts'
import { formatAmount, parseAmount } from '../lib/money.ts'
import { reasonOf, refundRefusalOf } from '../lib/order-words.ts'

/** The form that places one order, and then says how it ends. */
export class OrderForm {
  readonly #form = find('order-form', HTMLFormElement)
  readonly #submission = new SubmissionKey()
  #lastPlacedId = ''

  constructor(userId: () => string, onPlaced: (order: Order) => void) {
    onSubmit(this.#form, async (typed) => {
      this.#lastPlacedId = '' // the form speaks of the new order now, also when it cannot be placed
      const amount = parseAmount(typed)
      if (amount === undefined) return showFieldError(this.#form, 'Enter an amount such as 12.50.')

      const idempotencyKey = this.#submission.keyFor(`${userId()} ${amount}`)
      const order = await api.placeOrder(userId(), amount, { idempotencyKey })
      this.#submission.succeeded()
      if (order.user_id !== userId()) return
      showSuccess(this.#form, `Order of ${formatAmount(amount)} placed.`)
      this.#lastPlacedId = order.order_id
      onPlaced(order)
    })
  }

  /** Whether the form says how this order ends. */
  speaksOf = ({ order_id }: Order): boolean => order_id === this.#lastPlacedId

  sayEnd(order: Order): void {
    if (!this.speaksOf(order)) return
    const amount = formatAmount(order.amount)
    const refusal = refundRefusalOf(order)
    if (order.status === 'PAYMENT_FAILED') {
      showFailure(this.#form, `Order of ${amount} refused: ${reasonOf(order)}. Nothing was taken.`)
    } else if (refusal) showFailure(this.#form, `Order of ${amount} stays paid; ${refusal}.`)
    else if (order.status === 'PAID') showSuccess(this.#form, `Order of ${amount} paid.`)
    else if (order.status === 'REFUNDED') showSuccess(this.#form, `Order of ${amount} refunded.`)
  }

  clear(): void {
    this.#lastPlacedId = ''
    clearMessage(this.#form)
  }
}
