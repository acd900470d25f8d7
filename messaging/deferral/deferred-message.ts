import type { OutgoingMessage } from '../broker/confirm-window.ts'
import type { Delivery } from '../broker/consumer.ts'
import { republishable, shortString } from '../broker/short-string.ts'
import type { DeferredEvent, DeferredProperties, NewDeferredEvent } from './rows.ts'

/** Larger headers (as JSON) are left out: none of ours are. */
const maxHeaderLength = 16_384

/** What is kept of a message that is put aside. */
export function deferredMessage(
  delivery: Delivery,
): Pick<NewDeferredEvent, 'properties' | 'content'> {
  const { messageId, exchange, routingKey, content } = delivery
  const { headers: _, ...properties } = republishable(delivery.properties)
  const isTooLarge = JSON.stringify(delivery.headers).length > maxHeaderLength
  const headers = isTooLarge ? relayedAt(delivery.headers) : delivery.headers
  return { properties: { messageId, properties, headers, exchange, routingKey }, content }
}

/** The id of the message when it is sent again. */
export const messageIdOf = (event: DeferredEvent): string =>
  shortString(propertiesOf(event).messageId ?? event.event_id)

/**
 * The message as it came, for its queue. With `asItCame` false only its kind is kept, should the
 * other properties, or the headers, be what is in the way.
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
  const kept = asItCame ? withoutBrokerHeaders(headers) : relayedAt(headers)
  return {
    ...{ id: messageIdOf(event), content: event.content },
    properties: asItCame ? properties : republishable({ type, contentType }),
    ...{ exchange: '', routingKey: queue, headers: { ...kept, ...origin } },
  }
}

type Headers = Delivery['headers']

/** The one that our relays write. */
const relayedAt = ({ 'relayed-at': time }: Headers): Headers =>
  typeof time === 'string' ? { 'relayed-at': shortString(time) } : {}

/** Without what the broker adds, and what makes it route copies of a message to more queues. */
const withoutBrokerHeaders = (headers: Headers): Headers =>
  Object.fromEntries(
    Object.entries(headers).filter(
      ([name]) => !/^(x-delivery-count|x-acquired-count|B?CC)$/.test(name),
    ),
  )

/** JSON makes a table of bytes. */
const propertiesOf = ({ properties }: DeferredEvent): DeferredProperties =>
  JSON.parse(properties, (_, value) =>
    value?.type === 'Buffer' && Array.isArray(value.data) ? Buffer.from(value.data) : value,
  )
