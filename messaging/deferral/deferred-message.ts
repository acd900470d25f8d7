import type { Delivery } from '../broker/consumer.ts'
import type { OutgoingMessage } from '../broker/outgoing-message.ts'
import { republishable, shortString } from '../broker/short-string.ts'
import { signatureOf } from '../signatures/header.ts'
import type { DeferredEvent, DeferredProperties, NewDeferredEvent } from './rows.ts'

/** Larger headers (as JSON) are left out: none of ours are. */
const maxHeaderLength = 16_384

/** The part of a message that is stored while its event is deferred. */
export function deferredMessage(
  delivery: Delivery,
): Pick<NewDeferredEvent, 'properties' | 'content'> {
  const { messageId, exchange, routingKey, content } = delivery
  const { headers: _, ...properties } = republishable(delivery.properties)
  const isTooLarge = JSON.stringify(delivery.headers).length > maxHeaderLength
  const headers = isTooLarge ? ofRelays(delivery.headers) : delivery.headers
  return { properties: { messageId, properties, headers, exchange, routingKey }, content }
}

/** The id of the message when it is sent again. */
export const messageIdOf = (event: DeferredEvent): string =>
  shortString(propertiesOf(event).messageId ?? event.event_id)

/**
 * The message as it came, for its queue. With `asItCame` false only type, content type and what our
 * relays write into the headers are kept, in case the broker refuses the rest.
 */
export function returningMessage(
  queue: string,
  event: DeferredEvent,
  asItCame: boolean,
): OutgoingMessage {
  const { properties, headers, exchange, routingKey } = propertiesOf(event)
  const { type, contentType } = properties
  const origin = exchange !== '' && {
    'original-exchange': exchange,
    'original-routing-key': routingKey,
  }
  const kept = asItCame ? withoutBrokerHeaders(headers) : ofRelays(headers)
  return {
    ...{ id: messageIdOf(event), content: event.content },
    properties: asItCame ? properties : republishable({ type, contentType }),
    ...{ exchange: '', routingKey: queue, headers: { ...kept, ...origin } },
  }
}

type Headers = Delivery['headers']

/** The headers that our relays write. */
const ofRelays = (headers: Headers): Headers => {
  const { 'relayed-at': time } = headers
  return {
    ...(typeof time === 'string' && { 'relayed-at': shortString(time) }),
    ...signatureOf(headers),
  }
}

/** Without the headers that the broker adds, and those by which it routes copies to more queues. */
const withoutBrokerHeaders = (headers: Headers): Headers =>
  Object.fromEntries(
    Object.entries(headers).filter(
      ([name]) => !/^(x-delivery-count|x-acquired-count|B?CC)$/.test(name),
    ),
  )

/** In JSON, bytes are an object of type `Buffer`. */
const propertiesOf = ({ properties }: DeferredEvent): DeferredProperties =>
  JSON.parse(properties, (_, value) =>
    value?.type === 'Buffer' && Array.isArray(value.data) ? Buffer.from(value.data) : value,
  )
