import { newKey } from '#client/key.ts'

/** A second click this soon after the answer is the same submission, not another one. */
const doubleClickMs = 1000

/**
 * Gives one submission one Idempotency-Key, however often it is sent: a double click, or another
 * try after an answer was lost, has one effect. Other content, or the same a second after it
 * succeeded, is a new submission. The clock counts milliseconds.
 */
export class SubmissionKey {
  readonly #clock: () => number
  #key = ''
  #content = ''
  #endsAt = 0

  constructor(clock: () => number = Date.now) {
    this.#clock = clock
  }

  keyFor(content: string): string {
    if (content !== this.#content || this.#clock() > this.#endsAt) {
      this.#key = newKey()
      this.#content = content
      this.#endsAt = Number.POSITIVE_INFINITY
    }
    return this.#key
  }

  succeeded(): void {
    this.#endsAt = this.#clock() + doubleClickMs
  }
}
