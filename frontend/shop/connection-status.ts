import type { Loss, State } from '#client/client.ts'
import type { ProblemDocument } from '#contracts/problem.ts'
import { find, setText } from '../lib/elements.ts'
import { SignInError } from '../lib/sign-in-error.ts'

const words: Record<State, string> = {
  connecting: 'Connecting …',
  live: 'Live',
  lost: 'Not live',
}

/** The pill that says whether the page is live, and the bar that says what is wrong. */
export class ConnectionStatus {
  #state: State = 'connecting'
  #isDoubted = false
  #streamTrouble = ''
  #readingTrouble = ''

  showState(state: State, loss?: Loss): void {
    this.#state = state
    if (state === 'live') this.#streamTrouble = ''
    if (loss) this.#streamTrouble = streamTroubleOf(loss)
    this.#draw()
  }

  showRefusal({ detail }: ProblemDocument): void {
    this.#state = 'lost'
    this.#streamTrouble = `Live updates are refused; orders go on all the same. ${detail}`
    this.#draw()
  }

  /** A stream of orders that cannot be read is not live, though it is open. */
  showDoubt(isDoubted: boolean): void {
    this.#isDoubted = isDoubted
    this.#draw()
  }

  /** What is wrong with what was read; empty when nothing is. */
  showReading(trouble: string): void {
    this.#readingTrouble = trouble
    this.#draw()
  }

  /** Nothing is wrong. */
  clear(): void {
    this.#streamTrouble = ''
    this.showReading('')
  }

  #draw(): void {
    const pill = find('connection', HTMLElement)
    const state = this.#state === 'live' && this.#isDoubted ? 'lost' : this.#state
    if (pill.dataset.state !== state) pill.dataset.state = state
    setText('connection', words[state])
    const trouble = this.#streamTrouble || this.#readingTrouble
    find('trouble', HTMLElement).hidden = trouble === ''
    setText('trouble-text', trouble)
  }
}

function streamTroubleOf({ problem, error, retryInMs }: Loss): string {
  const what = problem ? 'cannot be read at the moment' : 'are lost'
  const why = error instanceof SignInError ? ` ${error.message}` : ''
  const when = `Next try in ${Math.ceil(retryInMs / 1_000)} s.`
  return `Live updates ${what}; orders go on all the same.${why} ${when}`
}
