import type { Channel, Message } from 'amqplib'

type Settling = Pick<Channel, 'ack' | 'nack'>

type Answer = 'ack' | 'requeue'

/**
 * What is in our hands on a channel, and how it is answered. Answers are sent together, a moment
 * later: one for all that were settled alike in the order of their delivery, which spares the broker
 * most of that work. Whatever came after a message that is still open is answered by itself, so that
 * nothing waits for a neighbour.
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
    const answers = answersTo([...this.#inHand])
    unlessClosed(() => {
      for (const { message, answer, allUpTo } of answers) {
        if (answer === 'ack') this.#channel.ack(message, allUpTo)
        else this.#channel.nack(message, allUpTo, true)
      }
    })
    for (const [message, answer] of this.#inHand) if (answer) this.#inHand.delete(message)
    if (this.isEmpty()) this.#becomeEmpty()
  }

  isEmpty(): boolean {
    return this.#inHand.size === 0
  }

  /** Resolves when nothing is in our hands any more. */
  whenEmpty(): Promise<void> {
    return this.isEmpty() ? Promise.resolve() : this.#empty.promise
  }

  #becomeEmpty(): void {
    this.#empty.resolve()
    this.#empty = Promise.withResolvers()
  }
}

/** What is sent for messages in the order of their delivery, of which some may be open. */
function answersTo(messages: [Message, Answer | undefined][]) {
  let isBehindOpen = false
  return messages.flatMap(([message, answer], index) => {
    if (!answer) isBehindOpen = true
    if (!answer) return []
    if (isBehindOpen) return { message, answer, allUpTo: false }
    const isCoveredByNext = messages[index + 1]?.[1] === answer
    return isCoveredByNext ? [] : { message, answer, allUpTo: true }
  })
}

/** A channel that was closed just now: the broker delivers again what was on it. */
function unlessClosed(settle: () => void): void {
  try {
    settle()
  } catch (error) {
    if ((error as Error).name !== 'IllegalOperationError') throw error
  }
}
