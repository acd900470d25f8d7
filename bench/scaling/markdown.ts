import { readFileSync, writeFileSync } from 'node:fs'

const line = (cells: string[]): string => `| ${cells.join(' | ')} |`

/** A table with its head in the first row. */
export const markdownTable = ([head = [], ...rows]: string[][]): string =>
  [head, head.map(() => '---'), ...rows].map(line).join('\n')

const marks = (name: string) => [`<!-- ${name} -->`, `<!-- end of ${name} -->`] as const

/** What is between the marks of that name. Throws an Error if they are not there. */
export function readSection(text: string, name: string): string {
  const [begin, end] = marks(name)
  const [from, to] = [text.indexOf(begin), text.indexOf(end)]
  if (from < 0 || to < from) throw new Error(`There is no ${begin} … ${end}`)
  return text.slice(from + begin.length, to).trim()
}

/** Puts a table between the marks of that name; everything else of the file stays. */
export function writeSection(file: string, name: string, table: string[][]): void {
  const text = readFileSync(file, 'utf8')
  const [begin, end] = marks(name)
  const old = readSection(text, name)
  const section = `${begin}\n\n${markdownTable(table)}\n\n${end}`
  const before = text.slice(0, text.indexOf(begin))
  const after = text.slice(text.indexOf(end, before.length + old.length) + end.length)
  writeFileSync(file, before + section + after)
}
