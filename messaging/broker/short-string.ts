import type { MessageProperties, Options } from 'amqplib'

/** What AMQP has room for in a property of a message, or in a name: its length is one byte. */
const maxBytes = 255

/**
 * The beginning of a text, as much as fits into a property, in whole characters. What came in a
 * property need not fit again: of bytes that are no text each becomes a character of three.
 */
export function shortString(text: string): string {
  const { read } = new TextEncoder().encodeInto(text, new Uint8Array(maxBytes))
  return text.slice(0, read)
}

/**
 * The properties of a message that came, as they can be sent again: texts as much as fits,
 * persistent unless the sender chose. Not the user, who would have to be ourselves, nor the
 * expiration, at which the copy would vanish, nor the cluster id, which amqplib cannot write.
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
