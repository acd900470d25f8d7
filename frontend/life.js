/** @import { Order } from './api.js' */
/** @import { Step } from './stages.js' */
import { readTimeline } from './api.js'
import { find } from './find.js'
import { formatAmount } from './money.js'
import { createPipeline } from './pipeline.js'
import { firstSteps, stepsOf } from './stages.js'
import { isFinal, reasonOf, tookMs, wordOf } from './status.js'
import { duration, pause } from './time.js'

/** Slower than life, which nobody could see. */
const stepMs = 180
const pollMs = 700
const calm = matchMedia('(prefers-reduced-motion: reduce)')

/** The drawing of one chosen order, which follows it until it is settled. */
export function createLife() {
  const pipeline = createPipeline(find('pipeline', HTMLElement))
  const invitation = find('life-about', HTMLElement).textContent
  let choice = new AbortController()
  let chosen = ''
  let shown = 0

  /** @param {Step[]} steps @param {AbortSignal} signal */
  async function reveal(steps, signal) {
    const happened = steps.findLastIndex(({ state }) => state === 'done' || state === 'bad') + 1
    while (shown < happened && !calm.matches && !document.hidden && !signal.aborted) {
      pipeline.show(firstSteps(steps, ++shown))
      await pause(stepMs, signal)
    }
    if (signal.aborted) return
    shown = happened
    pipeline.show(steps)
    say(steps)
  }

  /** Reads until the order is settled; a server that is away is asked again. @param {AbortSignal} signal */
  async function follow(signal) {
    while (!signal.aborted) {
      const timeline = await readTimeline(chosen).catch(() => undefined)
      if (signal.aborted) return
      if (timeline) await reveal(stepsOf(timeline.stages), signal)
      if (timeline?.stages.some(({ stage }) => stage === 'settled')) return
      await pause(pollMs, signal)
    }
  }

  /** @param {Order} order */
  function show(order) {
    choice.abort()
    choice = new AbortController()
    if (order.order_id !== chosen) shown = 0
    chosen = order.order_id
    sayStatus(order)
    if (shown === 0) pipeline.show(firstSteps(stepsOf([]), 0))
    void follow(choice.signal)
  }

  /** As long as there is no order, nothing is waited for. */
  function clear() {
    choice.abort()
    chosen = ''
    shown = 0
    pipeline.show(stepsOf([]).map((step) => ({ ...step, state: 'todo' })))
    find('life-about', HTMLElement).textContent = invitation
    find('life-status', HTMLElement).hidden = true
    find('life-id', HTMLElement).textContent = ''
    find('life-steps', HTMLElement).replaceChildren()
  }

  clear()
  return { show, clear, chosen: () => chosen }
}

/** @param {Order} order */
function sayStatus(order) {
  const { text, tone } = wordOf(order.status)
  const badge = find('life-status', HTMLElement)
  badge.hidden = false
  badge.dataset.tone = tone
  badge.textContent = text
  const reason = reasonOf(order)
  const end = isFinal(order) ? `, final after ${duration(tookMs(order))}` : ', on its way'
  const why = reason === '' ? '' : ` Refused, because ${reason}; nothing was taken.`
  find('life-about', HTMLElement).textContent =
    `Order of ${formatAmount(order.amount)}${end}.${why}`
  find('life-id', HTMLElement).textContent = order.order_id
}

/** @param {Step[]} steps */
function say(steps) {
  const lines = steps.map(({ label, state, tookMs: ms }) => {
    const line = document.createElement('li')
    const what = { todo: 'to come', now: 'waited for', unknown: 'not recorded', done: '', bad: '' }
    line.textContent = [label, what[state], ms === undefined ? '' : `after ${duration(ms)}`]
      .filter((part) => part !== '')
      .join(', ')
    return line
  })
  find('life-steps', HTMLElement).replaceChildren(...lines)
}
