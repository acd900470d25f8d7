import { readFileSync } from 'node:fs'
import type { FailureClass } from '#chassis/errors.ts'

/**
 * A column of "How each engine treats each failure" in ARCHITECTURE.md: the action for each class.
 */
export function failureColumn(title: string): Record<FailureClass, string> {
  const text = readFileSync('ARCHITECTURE.md', 'utf8')
  const section = text.slice(text.indexOf('### How each engine treats each failure'))
  const cells = section
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .map((line) => line.split('|').map((cell) => cell.trim()))
  const [titles = [], , ...rows] = cells
  const column = titles.indexOf(title)
  if (column < 0)
    throw new Error(`ARCHITECTURE.md has no engine ${title}, but ${titles.join(', ')}`)
  const actions = rows.slice(0, 5).map((row) => [row[1]?.replaceAll('`', ''), row[column]])
  return Object.fromEntries(actions) as Record<FailureClass, string>
}
