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
