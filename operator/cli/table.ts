/**
 * A table for the terminal: each column is as wide as its widest cell, the last one is not padded.
 */
export function table(head: string[], rows: (string | number | null)[][]): string {
  const texts = [head, ...rows.map((row) => row.map((cell) => cellText(cell)))]
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

/** The text of a cell: `-` if empty, without line breaks and control characters of a message. */
export const cellText = (cell: string | number | null): string =>
  cell === null || cell === '' ? '-' : printable(String(cell)).replaceAll(/\s+/g, ' ')

/** A text without the control characters that a terminal would interpret. */
export const printable = (text: string): string =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the regular expression finds them
  text.replaceAll(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '\uFFFD')

/** A duration as text: `3 h 5 min`, `12.3 s`, `450 ms`; null for null. */
export function span(ms: number | null): string | null {
  if (ms === null) return null
  if (ms < 1_000) return `${Math.round(ms)} ms`
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`
  const minutes = Math.floor(ms / 60_000)
  if (minutes < 60) return `${minutes} min ${Math.floor((ms % 60_000) / 1_000)} s`
  const hours = Math.floor(minutes / 60)
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} days`
}

/** A count with its noun: `1 event`, `2 events`. */
export const counted = (count: number, noun: string): string =>
  `${count} ${noun}${count === 1 ? '' : 's'}`

/** A text of at most so many characters; a longer one ends with `…`. */
export const shortened = (text: string | null, maxLength: number): string | null =>
  text !== null && text.length > maxLength ? `${text.slice(0, maxLength - 1)}…` : text
