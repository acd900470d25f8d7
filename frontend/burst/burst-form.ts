import { CallError } from '#client/client.ts'
import type { Order } from '#contracts/orders-http.ts'
import { find } from '../lib/elements.ts'
import { clearMessage, showError, showFailure, showFieldError } from '../lib/form-messages.ts'
import { formatAmount, parseAmount } from '../lib/money.ts'
import { pause } from '../lib/time.ts'
import { announce } from '../shop/view.ts'
import { checkBurst, runBurst } from './burst-run.ts'
import { BurstTally } from './burst-tally.ts'
import { showCheck, showCounts } from './burst-view.ts'

const checkEveryMs = 800
const mostOrders = 500

export interface BurstListener {
  userId: () => string
  onPlaced: (order: Order) => void
  onDone: () => void
}

/** The form that places many orders at once, and what comes of them. */
export class BurstForm {
  readonly #form = find('burst-form', HTMLFormElement)
  readonly #stop = find('burst-stop', HTMLButtonElement)
  readonly #listener: BurstListener
  /** Of the last burst, until its user leaves. */
  #tally: BurstTally | undefined
  #stopping = new AbortController()
  #isDrawn = true

  constructor(listener: BurstListener) {
    this.#listener = listener
    this.#stop.addEventListener('click', () => this.#stopping.abort())
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault()
      if (this.#form.ariaBusy !== 'true') this.#submit()
    })
  }

  /** Whether the order is of the burst, which then has taken note of it. */
  takePushed(order: Order): boolean {
    if (!this.#tally?.hasOrder(order)) return false
    this.#tally.take(order)
    this.#drawSoon()
    return true
  }

  /** Stops placing. What was placed goes on, unseen. */
  clear(): void {
    this.#stopping.abort()
    this.#tally = undefined
    clearMessage(this.#form)
    this.#setBusy(false)
    find('burst-result', HTMLElement).hidden = true
  }

  #submit(): void {
    clearMessage(this.#form)
    const count = Number(find('burst-count', HTMLInputElement).value.trim())
    const amount = parseAmount(find('burst-amount', HTMLInputElement).value)
    const isCount = Number.isInteger(count) && count >= 1 && count <= mostOrders
    if (!isCount) showFieldError(this.#form, `Enter a number of orders from 1 to ${mostOrders}.`)
    else if (amount === undefined) showFieldError(this.#form, 'Enter an amount such as 0.01.')
    else void this.#run(count, new BurstTally(count, amount))
  }

  async #run(count: number, tally: BurstTally): Promise<void> {
    const userId = this.#listener.userId()
    const stopping = new AbortController()
    this.#tally = tally
    this.#stopping = stopping
    this.#setBusy(true)
    this.#drawSoon()
    const checking = this.#check(userId, tally)
    const onPlaced = (order: Order) => {
      this.#listener.onPlaced(order)
      this.#drawSoon()
    }
    await runBurst(userId, { count, tally, signal: stopping.signal }, onPlaced).catch((error) => {
      if (tally === this.#tally) this.#showStopped(error)
    })
    tally.stop()
    if (tally === this.#tally) this.#stop.hidden = true
    await checking
    if (tally === this.#tally) this.#end(tally)
  }

  /** Compares the databases until all is final or the user has left. */
  async #check(userId: string, tally: BurstTally): Promise<void> {
    for (let isDone = false; !isDone; ) {
      await pause(checkEveryMs)
      if (tally !== this.#tally) return
      const check = await checkBurst(userId, tally).catch(() => undefined)
      if (tally !== this.#tally) return
      if (!check) continue // the servers are away: the next round tells
      showCounts(check.counts)
      showCheck(check.counts, tally.amount, check.takings)
      isDone = check.counts.isDone
    }
  }

  /** Another submission would be another burst: there is none to try again. */
  #showStopped(error: unknown): void {
    const isAway = error instanceof CallError && error.isTemporary
    if (isAway) showFailure(this.#form, 'No answer for two minutes, so no more are placed.')
    else showError(this.#form, error)
  }

  #end(tally: BurstTally): void {
    this.#setBusy(false)
    const { sent, paid, due } = tally.read()
    announce(`Burst: ${paid} of ${sent} orders paid, ${formatAmount(due)} in all.`)
    this.#listener.onDone()
  }

  #setBusy(isBusy: boolean): void {
    this.#form.ariaBusy = String(isBusy)
    this.#stop.hidden = !isBusy
  }

  #drawSoon(): void {
    if (!this.#isDrawn) return
    this.#isDrawn = false
    requestAnimationFrame(() => {
      this.#isDrawn = true
      if (this.#tally) showCounts(this.#tally.read())
    })
  }
}
