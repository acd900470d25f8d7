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

/** The properties of a message that came, each as much of it as can be sent on. */
export const sendable = <Properties extends object>(properties: Properties): Properties =>
  Object.fromEntries(
    Object.entries(properties).map(([name, value]) => [
      name,
      typeof value === 'string' ? shortString(value) : value,
    ]),
  ) as Properties
