import type { Answers, ConfirmWindow, OutgoingMessage } from './confirm-window.ts'

/**
 * How long a call may spend on isolated messages: the caller holds a transaction open meanwhile.
 */
const isolatedMs = 1_000

/**
 * Messages that were in flight when the broker closed the channel with an error (too large, say, or
 * with a header that it refuses): one of them is the cause. Each is published alone on the channel
 * from then on, after all others, until it is confirmed. So the one at fault fails by itself, and
 * its neighbours are published on the next connection.
 */
export class Isolation {
  readonly #ids = new Set<string>()
  #last: Promise<unknown> = Promise.resolve()

  /** Publishes all at once, or, as long as any message is isolated, one call after the other. */
  async publishAll(
    window: ConfirmWindow,
    messages: OutgoingMessage[],
    deadlineMs: number,
  ): Promise<Answers> {
    const publish = () => this.#publish(window, messages, deadlineMs)
    const publishing = this.#ids.size === 0 ? publish() : this.#last.then(publish)
    this.#last = publishing
    const answers = await publishing
    for (const id of answers.suspected) this.#ids.add(id)
    if (this.#ids.size > 0) for (const id of answers.confirmed) this.#ids.delete(id)
    return answers
  }

  async #publish(
    window: ConfirmWindow,
    messages: OutgoingMessage[],
    deadlineMs: number,
  ): Promise<Answers> {
    if (this.#ids.size === 0) return window.publishAll(messages, deadlineMs)
    const others = messages.filter(({ id }) => !this.#ids.has(id))
    const answers = await window.publishAll(others, deadlineMs)
    const endMs = performance.now() + Math.min(isolatedMs, deadlineMs)
    for (const message of messages.filter(({ id }) => this.#ids.has(id))) {
      const isOver = window.isClosed || answers.late.length > 0 || performance.now() > endMs
      if (isOver) answers.unknown.push(message.id)
      else append(answers, await window.publishAll([message], deadlineMs))
    }
    return answers
  }
}

function append(answers: Answers, { confirmed, failed, unknown, suspected, late }: Answers): void {
  answers.confirmed.push(...confirmed)
  answers.failed.push(...failed)
  answers.unknown.push(...unknown)
  answers.suspected.push(...suspected)
  answers.late.push(...late)
}
