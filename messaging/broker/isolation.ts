import type { ChannelOutcomes, ConfirmTracker } from './confirm-tracker.ts'
import type { OutgoingMessage } from './outgoing-message.ts'

/** Time limit for isolated messages in one call: the caller holds a transaction open meanwhile. */
const isolatedMs = 1_000

/**
 * Isolates suspected messages: those that were in flight when the broker closed the channel with an
 * error (a message that is too large, or has a header that the broker refuses). One of them is the
 * cause. From then on each is published alone on the channel, after all other messages, until it is
 * confirmed. So the message at fault fails alone, and its neighbours are published on the next
 * connection.
 */
export class Isolation {
  readonly #ids = new Set<string>()
  #last: Promise<unknown> = Promise.resolve()

  /** Publishes all messages at once. While any message is isolated, calls wait for each other. */
  async publishAll(
    tracker: ConfirmTracker,
    messages: OutgoingMessage[],
    deadlineMs: number,
  ): Promise<ChannelOutcomes> {
    const publish = () => this.#publish(tracker, messages, deadlineMs)
    const publishing = this.#ids.size === 0 ? publish() : this.#last.then(publish)
    this.#last = publishing
    const outcomes = await publishing
    for (const id of outcomes.suspected) this.#ids.add(id)
    if (this.#ids.size > 0) for (const id of outcomes.confirmed) this.#ids.delete(id)
    return outcomes
  }

  async #publish(
    tracker: ConfirmTracker,
    messages: OutgoingMessage[],
    deadlineMs: number,
  ): Promise<ChannelOutcomes> {
    if (this.#ids.size === 0) return tracker.publishAll(messages, deadlineMs)
    const others = messages.filter(({ id }) => !this.#ids.has(id))
    const outcomes = await tracker.publishAll(others, deadlineMs)
    const endMs = performance.now() + Math.min(isolatedMs, deadlineMs)
    for (const message of messages.filter(({ id }) => this.#ids.has(id))) {
      const isOver =
        tracker.isClosed || outcomes.unconfirmed.length > 0 || performance.now() > endMs
      if (isOver) outcomes.unknown.push(message.id)
      else append(outcomes, await tracker.publishAll([message], deadlineMs))
    }
    return outcomes
  }
}

function append(
  outcomes: ChannelOutcomes,
  { confirmed, failed, unknown, suspected, unconfirmed }: ChannelOutcomes,
): void {
  outcomes.confirmed.push(...confirmed)
  outcomes.failed.push(...failed)
  outcomes.unknown.push(...unknown)
  outcomes.suspected.push(...suspected)
  outcomes.unconfirmed.push(...unconfirmed)
}
