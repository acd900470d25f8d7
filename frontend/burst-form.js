/** @import { Order } from './api.js' */
/** @typedef {ReturnType<typeof createTally>} Tally */
import { createTally, takings } from './burst.js'
import { findEntries, findOrders, placeMany } from './burst-run.js'
import { showCheck, showCounts } from './burst-view.js'
import { find } from './find.js'
import { formatAmount, parseAmount } from './money.js'
import { clearNote, showError, showFieldError } from './notes.js'
import { pause } from './time.js'
import { announce } from './view.js'

const checkEveryMs = 800

/** The form that places many orders at once, and what comes of them. */
export class Burst {
  #form = find('burst-form', HTMLFormElement)
  #stop = find('burst-stop', HTMLButtonElement)
  /** Of the last burst, until its user leaves. @type {Tally | undefined} */
  #tally
  #stopping = new AbortController()
  #isDrawn = true
  #userId
  #onPlaced
  #onDone

  /** @param {{ userId: () => string, onPlaced: (order: Order) => void, onDone: () => void }} shop */
  constructor({ userId, onPlaced, onDone }) {
    this.#userId = userId
    this.#onPlaced = onPlaced
    this.#onDone = onDone
    this.#stop.addEventListener('click', () => this.#stopping.abort())
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault()
      if (this.#form.ariaBusy !== 'true') this.#submit()
    })
  }

  /** Whether the order is of the burst, which then has taken note of it. @param {Order} order */
  takeLive(order) {
    if (!this.#tally?.hasOrder(order)) return false
    this.#tally.take(order)
    this.#drawSoon()
    return true
  }

  /** Stops placing. What was placed goes on, unseen. */
  leave() {
    this.#stopping.abort()
    this.#tally = undefined
    clearNote(this.#form)
    this.#setBusy(false)
    find('burst-result', HTMLElement).hidden = true
  }

  #submit() {
    clearNote(this.#form)
    const count = Number(find('burst-count', HTMLInputElement).value.trim())
    const amount = parseAmount(find('burst-amount', HTMLInputElement).value)
    const isCount = Number.isInteger(count) && count >= 1 && count <= 500
    if (!isCount) return showFieldError(this.#form, 'Enter a number of orders from 1 to 500.')
    if (amount === undefined) return showFieldError(this.#form, 'Enter an amount such as 0.01.')
    void this.#run(count, amount)
  }

  /** @param {number} count @param {string} amount */
  async #run(count, amount) {
    const userId = this.#userId()
    const tally = createTally(count, amount)
    const stopping = new AbortController()
    this.#tally = tally
    this.#stopping = stopping
    this.#setBusy(true)
    this.#drawSoon()
    const checking = this.#check(tally, userId, amount)
    const onPlaced = (/** @type {Order} */ order) => {
      tally.take(order)
      this.#onPlaced(order)
      this.#drawSoon()
    }
    const { signal } = stopping
    await placeMany({ userId, count, amount, signal, onPlaced }).catch((error) => {
      stopping.abort()
      if (tally === this.#tally) showError(this.#form, error)
    })
    tally.stop()
    if (tally === this.#tally) this.#stop.hidden = true
    await checking
    if (tally !== this.#tally) return
    this.#setBusy(false)
    const { sent, paid, due } = tally.read()
    announce(`Burst: ${paid} of ${sent} orders paid, ${formatAmount(due)} in all.`)
    this.#onDone()
  }

  /**
   * Reads what the live stream may have missed, and compares the books, until all is final or the user
   * has left.
   * @param {Tally} tally @param {string} userId @param {string} amount
   */
  async #check(tally, userId, amount) {
    for (let isDone = false; !isDone; ) {
      await pause(checkEveryMs)
      if (tally !== this.#tally) return
      try {
        const count = tally.read().placed
        const isWanted = tally.hasOrder
        for (const order of await findOrders(userId, { count, isWanted })) tally.take(order)
        const counts = tally.read()
        const entries = await findEntries(userId, { count, isWanted: tally.hasDebit })
        if (tally !== this.#tally) return
        showCounts(counts)
        showCheck(counts, amount, takings(entries))
        isDone = counts.isDone
      } catch {
        // the servers are away: the next round tells
      }
    }
  }

  /** @param {boolean} isBusy */
  #setBusy(isBusy) {
    this.#form.ariaBusy = String(isBusy)
    this.#stop.hidden = !isBusy
  }

  #drawSoon() {
    if (!this.#isDrawn) return
    this.#isDrawn = false
    requestAnimationFrame(() => {
      this.#isDrawn = true
      if (this.#tally) showCounts(this.#tally.read())
    })
  }
}
