import { isCode } from '#chassis/errors.ts'

/** A table for the terminal: columns as wide as they need to be, the last one as long as it is. */
export function table(head: string[], rows: (string | number | null)[][]): string {
  const texts = [head, ...rows.map((row) => row.map((cell) => oneLine(cell)))]
  const widths = head.map((_, n) =>
    texts.reduce((width, row) => Math.max(width, row[n]?.length ?? 0), 0),
  )
  return texts
    .map((row) =>
      row
        .map((cell, n) => cell.padEnd(widths[n] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

/** A cell says `-` for nothing, and holds no control characters: a message could move the cursor. */
export const oneLine = (cell: string | number | null): string =>
  cell === null || cell === '' ? '-' : printable(String(cell)).replaceAll(/\s+/g, ' ')

/** Without what a terminal would obey. */
export const printable = (text: string): string =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it is about
  text.replaceAll(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '\uFFFD')

/** `3 h 5 min`, `12.3 s`, `450 ms`; nothing for null. */
export function span(ms: number | null): string | null {
  if (ms === null) return null
  if (ms < 1_000) return `${Math.round(ms)} ms`
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`
  const minutes = Math.floor(ms / 60_000)
  if (minutes < 60) return `${minutes} min ${Math.floor((ms % 60_000) / 1_000)} s`
  const hours = Math.floor(minutes / 60)
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} days`
}

/** `1 letter`, `2 letters`. */
export const counted = (count: number, noun: string): string =>
  `${count} ${noun}${count === 1 ? '' : 's'}`

export const shortened = (text: string | null, most: number): string | null =>
  text !== null && text.length > most ? `${text.slice(0, most - 1)}…` : text

/** What is wrong, for whoever ran the command; of a server that is away also why. */
export function sentenceOf(error: Error): string {
  const cause = isCode(error, 'unavailable') ? (error.cause as Error | undefined)?.message : ''
  return cause ? `${error.message}: ${cause}` : error.message
}
