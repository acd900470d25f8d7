import type { Order } from '#contracts/orders-http.ts'
import { api } from '../lib/api.ts'
import { find } from '../lib/elements.ts'
import { clearMessage } from '../lib/form-messages.ts'
import { onSubmit } from '../lib/forms.ts'
import { SubmissionKey } from '../lib/idempotency-key.ts'

/** The button that refunds the chosen order, if that is paid. */
export class RefundForm {
  readonly #form = find('refund-form', HTMLFormElement)
  readonly #submission = new SubmissionKey()
  #order: Order | undefined

  constructor(onAccepted: (order: Order) => void) {
    onSubmit(this.#form, async () => {
      if (!this.#order) return
      const { order_id } = this.#order
      const idempotencyKey = this.#submission.keyFor(order_id)
      const order = await api.refundOrder(order_id, { idempotencyKey })
      this.#submission.succeeded()
      onAccepted(order)
    })
  }

  /** Of the chosen order, as it is now. */
  show(order: Order): void {
    if (order.order_id !== this.#order?.order_id) clearMessage(this.#form)
    this.#order = order
    this.#form.hidden = order.status !== 'PAID'
  }

  clear(): void {
    this.#order = undefined
    this.#form.hidden = true
  }
}
