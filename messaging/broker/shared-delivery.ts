import { headersOfEach } from '../signatures/header.ts'
import type { Delivery } from './consumer.ts'
import { eventContentType, maxSharedBytes, newline, sharedContentType } from './shared-message.ts'

/**
 * The events of a message, each as a delivery of its own. The message is answered when every event
 * is: it is acknowledged, unless an event was requeued; then the whole message comes again, and the
 * inbox finds the events that were handled. A message that holds one event is its own delivery.
 */
export function eventsOf(delivery: Delivery): Delivery[] {
  if (delivery.properties.contentType !== sharedContentType) return [delivery]
  if (delivery.content.length > maxSharedBytes + newline.length) return [delivery]
  const contents = linesOf(delivery.content)
  const answer = jointAnswer(delivery, contents.length)
  const headersOf = headersOfEach(delivery.headers)
  return contents.map(
    (content, index) =>
      new SharedDelivery(delivery, { content, headers: headersOf(index) }, answer),
  )
}

/** Without empty lines; a message of nothing else is one empty event. */
function linesOf(content: Buffer): Buffer[] {
  const lines: Buffer[] = []
  for (let start = 0; start < content.length; ) {
    const end = content.indexOf(newline, start)
    const stop = end === -1 ? content.length : end
    if (stop > start) lines.push(content.subarray(start, stop))
    start = stop + 1
  }
  return lines.length > 0 ? lines : [content.subarray(0, 0)]
}

type Answer = 'ack' | 'requeue'

/** Takes one answer for each event, and gives the message its own after the last one. */
function jointAnswer(delivery: Delivery, events: number): (answer: Answer) => void {
  let open = events
  let answer: Answer = 'ack'
  return (given) => {
    if (given === 'requeue') answer = 'requeue'
    if (--open === 0) delivery[answer]()
  }
}

/** One event of a shared message, as if it had come alone. */
class SharedDelivery implements Delivery {
  readonly content: Buffer
  readonly headers: Delivery['headers']
  readonly #message: Delivery
  readonly #answer: (answer: Answer) => void
  #isAnswered = false
  #properties: Delivery['properties'] | undefined

  constructor(
    message: Delivery,
    { content, headers }: Pick<Delivery, 'content' | 'headers'>,
    answer: (answer: Answer) => void,
  ) {
    this.#message = message
    this.content = content
    this.headers = headers
    this.#answer = answer
  }

  get exchange(): string {
    return this.#message.exchange
  }

  get routingKey(): string {
    return this.#message.routingKey
  }

  get isRedelivered(): boolean {
    return this.#message.isRedelivered
  }

  get messageId(): string | undefined {
    return this.properties.messageId
  }

  /** Read from the event only when somebody asks, for a log or for a message of the event's own. */
  get properties(): Delivery['properties'] {
    this.#properties ??= {
      ...this.#message.properties,
      contentType: eventContentType,
      ...idAndType(this.content),
    }
    return this.#properties
  }

  isLost(): boolean {
    return this.#message.isLost()
  }

  ack(): void {
    this.#answerOnce('ack')
  }

  requeue(): void {
    this.#answerOnce('requeue')
  }

  #answerOnce(answer: Answer): void {
    if (!this.#isAnswered) this.#answer(answer)
    this.#isAnswered = true
  }
}

/** Both undefined where the content is no event. */
function idAndType(content: Buffer): { messageId: unknown; type: unknown } {
  const text = (value: unknown) => (typeof value === 'string' ? value : undefined)
  try {
    const { id, type } = JSON.parse(content.toString()) ?? {}
    return { messageId: text(id), type: text(type) }
  } catch {
    return { messageId: undefined, type: undefined }
  }
}
