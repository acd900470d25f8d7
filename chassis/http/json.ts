/** A number in a JSON text, by its own digits: a float would lose some of them. */
export class JsonNumber {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

const stringsAndKeys = /"(?:[^"\\]|\\.)*"(\s*:)?/g

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
  let keys = 0
  for (const match of text.matchAll(stringsAndKeys)) if (match[1]) keys++
  if (keys !== properties) throw new SyntaxError('An object has the same key twice.')
  return value
}

/** What the reviver is told since ECMAScript 2026: the text of a primitive value. */
interface Source {
  source?: string
}
