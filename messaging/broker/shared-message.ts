import { sharedSignature } from '../signatures/header.ts'
import type { OutgoingMessage } from './outgoing-message.ts'

/** Of a message that holds one event. */
export const eventContentType = 'application/cloudevents+json'

/**
 * Of a message that several events share: one event a line. The format is ours, since CloudEvents
 * has no batches over AMQP. The JSON of an event has no line breaks, so the bytes of each event are
 * those that it would have alone, and a broken event does not spoil its neighbours.
 */
export const sharedContentType = 'application/vnd.orders-payments.cloudevents+jsonl'

/** A message to publish, and the events in it. */
export interface Packed {
  ids: string[]
  message: OutgoingMessage
}

/** Of a shared message; a single event may be larger. */
export const maxSharedBytes = 65_536
export const newline = Buffer.from('\n')

/**
 * Packs events into messages: where at least `eventsPerMessage` of one route may share, they do;
 * all others go alone. Events that share a message have the headers of the first, and each its own
 * signature.
 */
export function pack(messages: OutgoingMessage[], eventsPerMessage: number): Packed[] {
  const alone = (message: OutgoingMessage): Packed => ({ ids: [message.id], message })
  if (eventsPerMessage === 1 || messages.length < eventsPerMessage) return messages.map(alone)
  const groups = Map.groupBy(messages, routeOf)
  return [...groups].flatMap(([route, group]) =>
    route === undefined || group.length < eventsPerMessage
      ? group.map(alone)
      : portions(group, eventsPerMessage).map((some) => (some[1] ? share(some) : alone(some[0]))),
  )
}

/** Undefined for a message that goes alone. */
const routeOf = ({ mayShare, exchange, routingKey }: OutgoingMessage): string | undefined =>
  mayShare ? JSON.stringify([exchange, routingKey]) : undefined

type Portion = [OutgoingMessage, ...OutgoingMessage[]]

/** In their order, neither too many nor too many bytes in one. */
function portions(messages: OutgoingMessage[], eventsPerMessage: number): Portion[] {
  const all: Portion[] = []
  let bytes = 0
  for (const message of messages) {
    const last = all.at(-1)
    bytes += message.content.length + newline.length
    if (last && last.length < eventsPerMessage && bytes <= maxSharedBytes) last.push(message)
    else {
      all.push([message])
      bytes = message.content.length + newline.length
    }
  }
  return all
}

/** The id is of the message: no event of it is named or typed by a property. */
function share(messages: Portion): Packed {
  const [{ type: _, mayShare: __, ...first }] = messages
  const lines = messages.flatMap(({ content }) => [content, newline])
  const signature = sharedSignature(messages.map(({ headers }) => headers))
  return {
    ids: messages.map(({ id }) => id),
    message: {
      ...first,
      id: crypto.randomUUID(),
      contentType: sharedContentType,
      headers: { ...first.headers, ...signature },
      content: Buffer.concat(lines),
    },
  }
}
