/** @import { Order } from './api.js' */
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
  #tally = createTally(0, '0')
  #stopping = new AbortController()
  #isDrawn = true
  #userId
  #onDone

  /** @param {{ userId: () => string, onDone: () => void }} shop */
  constructor({ userId, onDone }) {
    this.#userId = userId
    this.#onDone = onDone
    this.#stop.addEventListener('click', () => this.#stopping.abort())
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault()
      if (this.#form.ariaBusy !== 'true') this.#submit()
    })
  }

  /** Whether the order is of the burst, which then has taken note of it. @param {Order} order */
  takeLive(order) {
    const isOurs = this.#tally.hasOrder(order)
    if (isOurs) this.#take(order)
    return isOurs
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
    this.#tally = createTally(count, amount)
    this.#stopping = new AbortController()
    this.#setBusy(true)
    this.#drawSoon()
    const checking = this.#check(userId, amount)
    const { signal } = this.#stopping
    const onPlaced = (/** @type {Order} */ order) => this.#take(order)
    await placeMany({ userId, count, amount, signal, onPlaced }).catch((error) => {
      this.#stopping.abort()
      showError(this.#form, error)
    })
    this.#tally.stop()
    this.#stop.hidden = true
    await checking
    this.#setBusy(false)
    const { sent, paid, due } = this.#tally.read()
    announce(`Burst: ${paid} of ${sent} orders paid, ${formatAmount(due)} in all.`)
    this.#onDone()
  }

  /**
   * Reads what the live stream may have missed, and compares the books, until all is final.
   * @param {string} userId @param {string} amount
   */
  async #check(userId, amount) {
    const tally = this.#tally
    for (let isDone = false; !isDone; ) {
      await pause(checkEveryMs)
      try {
        const count = tally.read().placed
        const isWanted = tally.hasOrder
        for (const order of await findOrders(userId, { count, isWanted })) tally.take(order)
        const counts = tally.read()
        const entries = await findEntries(userId, { count, isWanted: tally.hasDebit })
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

  /** @param {Order} order */
  #take(order) {
    this.#tally.take(order)
    this.#drawSoon()
  }

  #drawSoon() {
    if (!this.#isDrawn) return
    this.#isDrawn = false
    requestAnimationFrame(() => {
      this.#isDrawn = true
      showCounts(this.#tally.read())
    })
  }
}
