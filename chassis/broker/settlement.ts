import type { Channel, Message } from 'amqplib'

type Settling = Pick<Channel, 'ack' | 'nack'>

type Answer = 'ack' | 'requeue'

/**
 * What is in our hands on a channel, and how it is answered. Answers are sent together, a moment
 * later: one acknowledgement for all that were settled in the order of their delivery, which spares
 * the broker most of that work. Whatever came after a message that is still open is answered by
 * itself, so that nothing waits for a neighbour.
 */
export class Settlement {
  readonly #channel: Settling
  /** In the order of delivery; undefined as long as a message is open. */
  readonly #inHand = new Map<Message, Answer | undefined>()
  #isFlushing = false
  #empty = Promise.withResolvers<void>()

  constructor(channel: Settling) {
    this.#channel = channel
  }

  take(message: Message): void {
    this.#inHand.set(message, undefined)
  }

  ack(message: Message): void {
    this.#answer(message, 'ack')
  }

  /** Gives it back to the queue. */
  requeue(message: Message): void {
    this.#answer(message, 'requeue')
  }

  /** The first answer counts. */
  #answer(message: Message, answer: Answer): void {
    if (!this.#inHand.has(message)) return
    this.#inHand.set(message, this.#inHand.get(message) ?? answer)
    if (this.#isFlushing) return
    this.#isFlushing = true
    setImmediate(() => this.#flush())
  }

  #flush(): void {
    this.#isFlushing = false
    const row = this.#firstRow()
    const rest = [...this.#inHand].filter(([, answer]) => answer).slice(row.length)
    const last = row.at(-1)
    unlessClosed(() => {
      if (last) this.#channel.ack(last, true)
      for (const [message, answer] of rest) {
        if (answer === 'ack') this.#channel.ack(message)
        else this.#channel.nack(message, false, true)
      }
    })
    for (const message of row) this.#inHand.delete(message)
    for (const [message] of rest) this.#inHand.delete(message)
    if (this.#inHand.size === 0) this.#isEmpty()
  }

  /** Resolves when nothing is in our hands any more. */
  whenEmpty(): Promise<void> {
    return this.#inHand.size === 0 ? Promise.resolve() : this.#empty.promise
  }

  /** Those at the beginning that are all to be acknowledged. */
  #firstRow(): Message[] {
    const row: Message[] = []
    for (const [message, answer] of this.#inHand) {
      if (answer !== 'ack') break
      row.push(message)
    }
    return row
  }

  #isEmpty(): void {
    this.#empty.resolve()
    this.#empty = Promise.withResolvers()
  }
}

/** A channel that was closed just now: the broker delivers again what was on it. */
function unlessClosed(settle: () => void): void {
  try {
    settle()
  } catch (error) {
    if ((error as Error).name !== 'IllegalOperationError') throw error
  }
}
