import { readFileSync, writeFileSync } from 'node:fs'
import type { Figure } from './measurement.ts'
import { cellsOf, head } from './report.ts'

const [begin, end] = ['<!-- figures -->', '<!-- end of figures -->']

/**
 * Writes the figures into the table between two marks of a Markdown file. Lines of figures that
 * were not measured now stay as they are.
 */
export function writeMarkdown(file: string, figures: Figure[]): void {
  const text = readFileSync(file, 'utf8')
  const [before, rest] = text.split(begin)
  const [old, after] = rest?.split(end) ?? []
  if (old === undefined || after === undefined) throw new Error(`${file} lacks ${begin} … ${end}`)
  const rows = new Map(old.split('\n').flatMap(rowOf))
  for (const figure of figures) rows.set(figure.name, lineOf(cellsOf(figure)))
  const notes = notesOf(old)
  for (const { name, note } of figures) if (note) notes.set(name, wrap(`- **${name}**: ${note}`))
  const table = [lineOf(head), lineOf(head.map(() => '---')), ...rows.values()].join('\n')
  const parts = [begin, table, [...notes.values()].join('\n'), end].filter((part) => part !== '')
  writeFileSync(file, `${before}${parts.join('\n\n')}${after}`)
}

const lineOf = (cells: string[]): string => `| ${cells.join(' | ')} |`

/** A line of the table with the name in front of it. */
function rowOf(line: string): [string, string][] {
  const name = /^\| (.+?) \|/.exec(line)?.[1]
  return name === undefined || name === head[0] || name === '---' ? [] : [[name, line]]
}

/** Each note with its name; a long one goes on in indented lines. */
const notesOf = (text: string): Map<string, string> =>
  new Map(
    [...text.matchAll(/^- \*\*(.+?)\*\*: .*(?:\n {2}.*)*/gm)].map(([note, name = '']) => [
      name,
      note,
    ]),
  )

const wrap = (note: string): string => note.replace(/(.{1,138})(?: |$)/g, '$1\n  ').trimEnd()
