/** A number in a JSON text, by its own digits: a float would lose some of them. */
export class JsonNumber {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

const twice = 'An object has the same key twice.'

/**
 * Parses JSON exactly: each number becomes a JsonNumber, and an object that names a key twice is
 * refused, since readers disagree on which one counts. Throws a SyntaxError (or a RangeError on
 * absurd nesting) with a sentence.
 */
export function parseJson(text: string): unknown {
  let properties = -1 // the reviver also sees the whole value, as a property of a holder
  const value: unknown = JSON.parse(text, function (this: unknown, _key, part, context?: Source) {
    if (!Array.isArray(this)) properties++
    return typeof part === 'number' ? new JsonNumber(context?.source ?? String(part)) : part
  })
  if (countKeys(text) !== properties) throw new SyntaxError(twice)
  return value
}

/** What the reviver is told since ECMAScript 2026: the text of a primitive value. */
interface Source {
  source?: string
}

/**
 * Whether an object in a JSON text names a key twice, given what JSON.parse has made of the text.
 */
export const hasKeyTwice = (text: string, value: unknown): boolean =>
  countKeys(text) !== countProperties(value)

/** How many keys a JSON text spells out: strings that a colon follows. */
function countKeys(text: string): number {
  let keys = 0
  for (let quote = text.indexOf('"'); quote !== -1; quote = text.indexOf('"', quote + 1)) {
    do quote = text.indexOf('"', quote + 1)
    while (isEscaped(text, quote))
    let next = quote + 1
    while (isSpace(text.charCodeAt(next))) next++
    if (text[next] === ':') keys++
  }
  return keys
}

/** Whether an odd number of backslashes stands before a character. */
function isEscaped(text: string, at: number): boolean {
  let first = at
  while (text[first - 1] === '\\') first--
  return (at - first) % 2 === 1
}

const isSpace = (code: number) => code === 0x20 || (code >= 0x09 && code <= 0x0d)

/**
 * The properties of all objects in a value. Not by recursion: nesting may be as deep as a text is
 * long.
 */
function countProperties(value: unknown): number {
  let properties = 0
  const open = [value]
  for (const part of open) {
    if (typeof part !== 'object' || part === null) continue
    const values = Object.values(part)
    if (!Array.isArray(part)) properties += values.length
    for (const inner of values) if (typeof inner === 'object') open.push(inner)
  }
  return properties
}
