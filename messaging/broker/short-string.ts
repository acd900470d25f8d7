import type { MessageProperties, Options } from 'amqplib'

/** The longest short string of AMQP (a property of a message, a name): its length is one byte. */
const maxBytes = 255

/**
 * A text cut to the length of a short string, in whole characters. A text that came in a property
 * may be too long to be sent again: each byte that is no UTF-8 becomes a character of three bytes.
 */
export function shortString(text: string): string {
  const { read } = new TextEncoder().encodeInto(text, new Uint8Array(maxBytes))
  return text.slice(0, read)
}

/**
 * The properties of a delivered message as they can be sent again: texts cut to short strings,
 * persistent unless the sender chose otherwise. Without the user (the broker accepts only our own),
 * the expiration (at which the copy would be dropped) and the cluster id (which amqplib cannot
 * write).
 */
export function republishable({
  userId: _userId,
  expiration: _expiration,
  clusterId: _clusterId,
  ...properties
}: Partial<MessageProperties>): Options.Publish {
  const short = Object.entries(properties)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => [name, typeof value === 'string' ? shortString(value) : value])
  return { deliveryMode: 2, ...Object.fromEntries(short) }
}
