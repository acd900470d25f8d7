import type { Order } from '#contracts/orders-http.ts'
import type { Timeline } from '#contracts/timeline.ts'
import { api } from '../lib/api.ts'
import { find, setText } from '../lib/elements.ts'
import { formatAmount } from '../lib/money.ts'
import { isPending, paymentTookMs, reasonOf, refundRefusalOf, wordOf } from '../lib/order-words.ts'
import { duration, pause } from '../lib/time.ts'
import { createPipeline } from './pipeline.ts'
import { firstSteps, type Step, type StepState, stepsOf } from './steps.ts'

/** Slower than life, which nobody could see. */
const stepMs = 180
const pollMs = 700
const calm = matchMedia('(prefers-reduced-motion: reduce)')

/** The drawing of one chosen order, which follows it until it is settled. */
export class OrderTimeline {
  readonly #pipeline = createPipeline(find('pipeline', HTMLElement))
  readonly #invitation = find('life-about', HTMLElement).textContent
  #following = new AbortController()
  #chosenId = ''
  /** How many steps are drawn. */
  #shown = 0

  constructor() {
    this.clear()
  }

  /** Empty while there is none. */
  get chosenId(): string {
    return this.#chosenId
  }

  show(order: Order): void {
    this.#following.abort()
    this.#following = new AbortController()
    if (order.order_id !== this.#chosenId) this.#shown = 0
    this.#chosenId = order.order_id
    showStatus(order)
    if (this.#shown === 0) this.#pipeline.show(firstSteps(stepsOf([]), 0))
    void this.#follow(order, this.#following.signal)
  }

  /** As long as there is no order, nothing is waited for. */
  clear(): void {
    this.#following.abort()
    this.#chosenId = ''
    this.#shown = 0
    this.#pipeline.show(stepsOf([]).map((step) => ({ ...step, state: 'todo' })))
    setText('life-about', this.#invitation)
    setText('life-id', '')
    find('life-status', HTMLElement).hidden = true
    find('life-steps', HTMLElement).replaceChildren()
  }

  /** Reads until the order is settled, or refunded; a server that is away is asked again. */
  async #follow(order: Order, signal: AbortSignal): Promise<void> {
    const isRefundRefused = refundRefusalOf(order) !== ''
    while (!signal.aborted) {
      const timeline = await api.getTimeline(order.order_id, { signal }).catch(() => undefined)
      if (signal.aborted) return
      if (timeline) await this.#reveal(stepsOf(timeline.stages, { isRefundRefused }), signal)
      if (timeline?.stages.some(({ stage }) => stage === lastStages[order.status])) return
      await pause(pollMs, signal)
    }
  }

  async #reveal(steps: Step[], signal: AbortSignal): Promise<void> {
    const happened = steps.findLastIndex(({ state }) => state === 'done' || state === 'bad') + 1
    while (this.#shown < happened && !calm.matches && !document.hidden && !signal.aborted) {
      this.#pipeline.show(firstSteps(steps, ++this.#shown))
      await pause(stepMs, signal)
    }
    if (signal.aborted) return
    this.#shown = happened
    this.#pipeline.show(steps)
    listSteps(steps)
  }
}

/** What the drawing of an order in a state waits for. */
const lastStages: Record<Order['status'], Timeline['stages'][number]['stage']> = {
  PAYMENT_PENDING: 'settled',
  PAID: 'settled',
  PAYMENT_FAILED: 'settled',
  REFUND_PENDING: 'refunded',
  REFUNDED: 'refunded',
}

function showStatus(order: Order): void {
  const { text, tone } = wordOf(order)
  const badge = find('life-status', HTMLElement)
  badge.hidden = false
  badge.dataset.tone = tone
  badge.textContent = text
  const reason = reasonOf(order)
  const ms = paymentTookMs(order)
  const end = isPending(order)
    ? ', on its way'
    : ms === undefined
      ? ''
      : `, final after ${duration(ms)}`
  const refusal = refundRefusalOf(order)
  const why = reason
    ? ` Refused, because ${reason}; nothing was taken.`
    : refusal && ` Paid; ${refusal}.`
  setText('life-about', `Order of ${formatAmount(order.amount)}${end}.${why}`)
  setText('life-id', order.order_id)
}

const stateWords: Record<StepState, string> = {
  todo: 'to come',
  now: 'waited for',
  unknown: 'not recorded',
  done: '',
  bad: '',
}

/** The drawing in words. */
function listSteps(steps: Step[]): void {
  const lines = steps.map(({ label, state, tookMs: ms }) => {
    const line = document.createElement('li')
    const took = ms === undefined ? '' : `after ${duration(ms)}`
    const parts = [label, stateWords[state], took]
    line.textContent = parts.filter((part) => part !== '').join(', ')
    return line
  })
  find('life-steps', HTMLElement).replaceChildren(...lines)
}
