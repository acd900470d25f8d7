import type { Channel, Message } from 'amqplib'

type AckChannel = Pick<Channel, 'ack' | 'nack'>

type Answer = 'ack' | 'requeue'

/**
 * The unacknowledged messages of a channel, and their answers. Answers are sent together, in the
 * next turn of the event loop: one (`multiple`) for all consecutive deliveries with the same
 * answer, which spares the broker most of that work. A message that was delivered after an open one
 * is answered alone, so that no answer waits for a neighbour.
 */
export class AckBatcher {
  readonly #channel: AckChannel
  /** In the order of delivery; undefined while a message is open. */
  readonly #unacked = new Map<Message, Answer | undefined>()
  #isFlushing = false
  #drained = Promise.withResolvers<void>()

  constructor(channel: AckChannel) {
    this.#channel = channel
  }

  track(message: Message): void {
    this.#unacked.set(message, undefined)
  }

  ack(message: Message): void {
    this.#answer(message, 'ack')
  }

  /** The broker delivers the message again. */
  requeue(message: Message): void {
    this.#answer(message, 'requeue')
  }

  /** The first answer counts. */
  #answer(message: Message, answer: Answer): void {
    if (!this.#unacked.has(message)) return
    this.#unacked.set(message, this.#unacked.get(message) ?? answer)
    if (this.#isFlushing) return
    this.#isFlushing = true
    setImmediate(() => this.#flush())
  }

  #flush(): void {
    this.#isFlushing = false
    const answers = answersTo([...this.#unacked])
    unlessClosed(() => {
      for (const { message, answer, allUpTo } of answers) {
        if (answer === 'ack') this.#channel.ack(message, allUpTo)
        else this.#channel.nack(message, allUpTo, true)
      }
    })
    for (const [message, answer] of this.#unacked) if (answer) this.#unacked.delete(message)
    if (this.isEmpty()) this.#becomeDrained()
  }

  isEmpty(): boolean {
    return this.#unacked.size === 0
  }

  /** Resolves when every message is answered. */
  drained(): Promise<void> {
    return this.isEmpty() ? Promise.resolve() : this.#drained.promise
  }

  #becomeDrained(): void {
    this.#drained.resolve()
    this.#drained = Promise.withResolvers()
  }
}

/** The answers to send for messages in the order of their delivery, some of which may be open. */
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

/** On a channel that was closed just now nothing is sent: the broker redelivers its messages. */
function unlessClosed(answer: () => void): void {
  try {
    answer()
  } catch (error) {
    if ((error as Error).name !== 'IllegalOperationError') throw error
  }
}
